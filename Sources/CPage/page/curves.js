/* Which charts there are for the runs that are shown, and what lines they have. */

import { bySeeds } from "./filter.js";
import { capitalized } from "./format.js";
import { baselineOf, lossUnit, measures, speedUnit, title, unit } from "./metrics.js";
import { curve, smoothed, spreadOf } from "./series.js";
import { store } from "./store.js";
import { colorCount, colorOf, ticked, view } from "./view.js";

/* Dashes tell more runs apart than there are colours. */
const dashes = [null, "7 3", "2 3", "9 3 2 3"];
const validationDash = "5 3";
const baselineDash = "1 4";

/* Columns of training that are no charts, or have one of their own. */
const ordinary = new Set(["step", "epoch", "tokens", "loss", "gradient_norm", "learning_rate",
  "tokens_per_second", "exchange_seconds", "hidden_exchange_seconds", "exchange_bytes",
  "step_seconds", "data_seconds", "training_seconds", "time", "mean_loss"]);
const ofExchange = /(exchange|rank|slowest|fastest|straggl|pace|waited)/;

/* Runs that are shown, alone or as groups of seeds; each with its colour. */
export function subjects() {
  const runs = ticked().map((name) => store.runs.get(name)).filter((run) =>
    run && store.details.has(run.name));
  const groups = view.seeds ? bySeeds(runs)
    : runs.map((run) => ({ runs: [run], name: nameOf(run), key: run.name }));
  const used = Array(colorCount).fill(0);
  return groups.map((group) => {
    const color = colorOf(group.key);
    const round = used[color]++;
    return { ...group, color: `var(--run-${color})`, dash: dashes[round % dashes.length],
      details: group.runs.map((run) => store.details.get(run.name)) };
  });
}

export const nameOf = (run) =>
  (run.name === "." ? run.path.split("/").filter(Boolean).at(-1) ?? "." : run.name);

const bits = Math.log(2);

/* The training loss of a text in bits per byte, by the factor that its validations have. */
function bitsPerByte(detail) {
  const { train, valid } = detail;
  const last = (valid.loss ?? []).length - 1;
  let factor = null;
  if (last >= 0 && valid.bits_per_byte) factor = valid.bits_per_byte[last] / valid.loss[last];
  if (factor === null && detail.config?.data?.tokenizer === "byte") factor = 1 / bits;
  if (!Number.isFinite(factor)) return [];
  return (train.loss ?? []).map((loss) => (loss === null ? null : loss * factor));
}

const exposed = ({ train }) => (train.exchange_seconds ?? []).map((value, index) =>
  value === null || !train.step_seconds?.[index] ? null : 100 * value / train.step_seconds[index]);

/* Whether any of the runs exchanges anything: one rank has nobody to wait for. */
const hasExchange = (groups) => groups.some(({ runs }) => runs.some((run) => run.ranks > 1));

/* A measure that is the loss by another name, such as mse where that is what is trained by. */
const isTheLoss = (details, name) => details.every(({ valid }) =>
  (valid[name] ?? []).every((value, index) => value === valid.loss?.[index]));

/* What is drawn: {id, title, unit, parts, ...}; a part is {kind, key, values, role}. */
export function definitions(groups) {
  const found = new Map();
  const add = (id, rest, group) => {
    if (!found.has(id)) found.set(id, { id, groups: [], ...rest });
    found.get(id).groups.push(group);
  };
  for (const group of groups) addOfTask(group, add);
  const all = [...found.values()];
  const ofTraining = (id, rest) => all.push({ id, groups, ...rest });
  ofTraining("learning-rate", { title: "Learning rate", unit: "", isExact: true,
    parts: [{ kind: "train", key: "learning_rate" }] });
  ofTraining("gradient-norm", { title: "Gradient norm", unit: "before clipping",
    parts: [{ kind: "train", key: "gradient_norm" }] });
  const units = [...new Set(groups.map(({ runs }) => speedUnit(runs[0])))];
  ofTraining("speed", { title: "Speed", fromZero: true,
    unit: `${units.join(" or ")} per second`
      + (hasExchange(groups) ? ", all ranks" : ""),
    parts: [{ kind: "train", key: "tokens_per_second" }] });
  ofTraining("step-time", { title: "Time of a step", unit: "seconds", fromZero: true,
    parts: [{ kind: "train", key: "step_seconds" }] });
  if (hasExchange(groups)) {
    ofTraining("exchange", { title: "Exposed exchange", unit: "% of a step", fromZero: true,
      parts: [{ kind: "train", key: "exposed exchange", values: exposed }] });
  }
  for (const key of furtherColumns(groups)) {
    ofTraining(`train-${key}`, { title: capitalized(key.replaceAll("_", " ")), unit: "training",
      parts: [{ kind: "train", key }] });
  }
  return all;
}

function addOfTask(group, add) {
  const [run] = group.runs;
  const names = measures(run);
  const same = names.filter((name) => isTheLoss(group.details, name));
  const name = same[0] ? title(same[0]) : "Loss";
  const lossTitle = /loss/i.test(name) ? name : `Loss: ${name}`;
  add(`loss ${lossUnit(run)}`, { title: lossTitle, unit: lossUnit(run), isFirst: true,
    parts: [{ kind: "train", key: "loss", role: "training" },
      { kind: "valid", key: "loss", role: "validation" }],
    baselines: ["loss", ...same] }, group);
  for (const name of names.filter((name) => !same.includes(name))) {
    const parts = [{ kind: "valid", key: name, role: "validation" }];
    if (name === "bits_per_byte") {
      parts.unshift({ kind: "train", key: "bits per byte", values: bitsPerByte, role: "training" });
    }
    add(`${name} ${unit(name, run)}`, { title: title(name), unit: unit(name, run), parts,
      baselines: [name] }, group);
  }
}

function furtherColumns(groups) {
  const keys = new Set(groups.flatMap(({ details }) =>
    details.flatMap((detail) => Object.keys(detail.train))));
  return [...keys].filter((key) =>
    !ordinary.has(key) && (hasExchange(groups) || !ofExchange.test(key)));
}

/* The lines of a chart. */
export function linesOf(chart, axis, weight) {
  const lines = [];
  for (const group of chart.groups) {
    for (const part of chart.parts) {
      const line = lineOf(group, part, axis, chart.isExact ? 0 : weight);
      line.isNamed = chart.parts.length > 1;
      if (chart.parts.length > 1 && part.role === "validation") {
        line.name += ", validation";
        line.dash = validationDash;
      }
      lines.push(line);
    }
    for (const measure of chart.baselines ?? []) lines.push(...baselinesOf(group, measure, axis));
  }
  return withoutTwins(lines);
}

function lineOf(group, { kind, key, values, role }, axis, weight) {
  const isTraining = kind === "train";
  const curves = group.details.map((detail) => {
    const own = curve(detail, kind, key, axis, values?.(detail));
    return group.details.length > 1 && isTraining && weight > 0 ? smoothed(own, weight) : own;
  }).filter((own) => own.xs.length > 0);
  const line = { id: `${group.key} ${kind} ${key}`, name: group.name, color: group.color,
    dash: group.dash, dots: !isTraining, role };
  if (curves.length > 1) return { ...line, curve: spreadOf(curves) };
  const own = curves[0] ?? { xs: [], ys: [] };
  if (!isTraining || weight === 0) return { ...line, curve: own };
  return { ...line, curve: smoothed(own, weight), raw: own };
}

/* What naive models reach on the same data. */
function baselinesOf(group, measure, axis) {
  const [detail] = group.details;
  return Object.keys(detail.valid).flatMap((column) => {
    const base = baselineOf(column);
    if (base?.measure !== measure) return [];
    const own = curve(detail, "valid", column, axis);
    return [{ id: `${group.key} ${column}`, name: base.model, color: group.color,
      dash: baselineDash, isQuiet: true, isNamed: true, curve: own }];
  });
}

/* Runs on the same data have the same baselines, which one line in grey says. */
function withoutTwins(lines) {
  const byName = new Map();
  for (const line of lines.filter((line) => line.isQuiet)) {
    const value = line.curve.ys.at(-1);
    const key = `${line.name} ${value}`;
    byName.set(key, [...(byName.get(key) ?? []), line]);
  }
  const kept = [];
  const done = new Set();
  for (const line of lines) {
    if (!line.isQuiet) {
      kept.push(line);
      continue;
    }
    const key = `${line.name} ${line.curve.ys.at(-1)}`;
    if (done.has(key)) continue;
    done.add(key);
    const twins = byName.get(key);
    const longest = twins.reduce((best, twin) =>
      (twin.curve.xs.length > best.curve.xs.length ? twin : best));
    kept.push({ ...longest, id: `baseline ${key}`,
      color: "var(--quiet)" });
  }
  return kept;
}

const axisLabels = { step: "step", tokens: "", seconds: "training time", relative: "since start",
  clock: "" };
const axisKinds = { step: "whole", tokens: "number", seconds: "duration", relative: "duration",
  clock: "clock" };

export const axisOf = (name, groups) => ({
  kind: axisKinds[name],
  label: name === "tokens" ? speedUnit(groups[0]?.runs[0] ?? {}) : axisLabels[name],
});
