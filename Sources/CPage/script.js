"use strict";

const $ = (id) => document.getElementById(id);
const isOn = (id) => $(id).checked;

/* Charts: values gives a run's [x index, y] pairs from its columns. */
const ln2 = Math.log(2);
const charts = [
  { title: "Loss", unit: (runs) => `${lossUnit(runs)}, training`, kind: "train", key: "loss" },
  { title: "Bits per byte", unit: "training; validation dashed", kind: "train",
    values: (detail) => bitsPerByte(detail), overlay: { kind: "valid", key: "bits_per_byte" } },
  { title: "Validation loss", unit: lossUnit, kind: "valid", key: "loss", dots: true },
  { title: "Gradient norm", unit: "before clipping", kind: "train", key: "gradient_norm" },
  { title: "Learning rate", unit: "", kind: "train", key: "learning_rate", plain: true },
  { title: "Speed", unit: (runs) => `${speedUnit(runs)} per second, all ranks`, kind: "train",
    key: "tokens_per_second", fromZero: true },
  { title: "Exposed exchange", unit: "% of a step", kind: "train", fromZero: true,
    values: ({ train }) => (train.exchange_seconds || []).map((value, index) =>
      value === null ? null : 100 * value / train.step_seconds[index]) },
  { title: "Step", unit: "seconds", kind: "train", key: "step_seconds", fromZero: true },
];
const ordinary = new Set(["step", "epoch", "tokens", "loss", "gradient_norm", "learning_rate",
  "tokens_per_second", "exchange_seconds", "step_seconds", "data_seconds", "perplexity",
  "bits_per_byte", "skipped_steps", "training_seconds"]);
const figures = new Map();
let rankFigure;

function bitsPerByte({ train, valid, config }) {
  const last = (valid.loss || []).length - 1;
  let factor = null;
  if (last >= 0 && valid.bits_per_byte) factor = valid.bits_per_byte[last] / valid.loss[last];
  if (factor === null && config?.data?.tokenizer === "byte") factor = 1 / ln2;
  if (factor === null) return [];
  return (train.loss || []).map((loss) => loss === null ? null : loss * factor);
}

/* The x values of a series; validations lie where the training step of the same number does. */
function abscissa(detail, kind) {
  const steps = detail[kind].step || [];
  const axis = $("x-axis").value;
  if (axis === "step") return steps;
  if (axis === "seconds") return detail[kind].training_seconds || [];
  const tokens = detail.train.tokens || [];
  if (kind === "train") return tokens;
  const train = detail.train.step || [];
  return steps.map((step) => {
    const index = train.findLastIndex((other) => other <= step);
    return index < 0 ? null : tokens[index] * step / train[index];
  });
}

function points(detail, kind, values) {
  const xs = abscissa(detail, kind);
  return values.map((y, index) => [xs[index], y])
    .filter(([x, y]) => Number.isFinite(x) && Number.isFinite(y));
}

const xFormats = { step: readable, tokens: readable, seconds: duration };

function color(name) { return `var(--run-${state.colors.get(name) ?? 7})`; }

function shown() {
  return state.runs.filter((run) => state.selected.has(run.name) && state.details.has(run.name));
}

function drawCharts() {
  const weight = Number($("smoothing").value);
  const runs = shown();
  const all = charts.concat(furtherCharts(runs));
  $("x-axis").querySelector("[value=tokens]").textContent = speedUnit(runs);
  for (const chart of all) {
    const id = chart.title + chart.kind;
    if (!figures.has(id)) {
      figures.set(id, makeFigure(chart.title, ""));
      $("charts").append(figures.get(id));
    }
    label(figures.get(id), chart.title,
      typeof chart.unit === "function" ? chart.unit(runs) : chart.unit);
    const series = [];
    for (const run of runs) {
      const detail = state.details.get(run.name);
      const values = chart.values ? chart.values(detail) : detail[chart.kind][chart.key] || [];
      const line = points(detail, chart.kind, values);
      const style = { name: run.name, color: color(run.name) };
      if (weight > 0 && chart.kind === "train" && !chart.plain) {
        series.push({ ...style, points: line, raw: true });
        series.push({ ...style, points: smoothed(line, weight) });
      } else {
        series.push({ ...style, points: line, dots: chart.dots });
      }
      const { overlay } = chart;
      if (overlay) {
        const values = detail[overlay.kind][overlay.key] || [];
        series.push({ ...style, name: `${run.name} (validation)`, dashed: true, dots: true,
          points: points(detail, overlay.kind, values) });
      }
      // What naive models reach on the same data.
      const [kind, key] = overlay ? [overlay.kind, overlay.key] : [chart.kind, chart.key];
      for (const name of kind === "valid" ? Object.keys(detail.valid) : []) {
        if (!name.startsWith(`${key}_of_`)) continue;
        const model = name.slice(key.length + 4).replaceAll("_", " ");
        series.push({ ...style, name: `${run.name} (${model})`, dashed: true,
          points: points(detail, "valid", detail.valid[name]) });
      }
    }
    drawLines(figures.get(id), series, {
      xFormat: xFormats[$("x-axis").value], logarithmic: isOn("logarithmic") && !chart.fromZero,
      robust: isOn("robust"), fromZero: chart.fromZero });
  }
  for (const [id, figure] of figures) {
    if (!all.some((chart) => chart.title + chart.kind === id)) figure.hidden = true;
  }
  drawRanks(runs);
}

/* Numbers that only some tasks have, such as an accuracy, get a chart of their own. */
function furtherCharts(runs) {
  const found = new Map();
  for (const run of runs) {
    const detail = state.details.get(run.name);
    for (const kind of ["valid", "train"]) {
      for (const key of Object.keys(detail[kind])) {
        if (ordinary.has(key) || key.includes("_of_")) continue;
        const title = key.replaceAll("_", " ");
        found.set(title + kind, {
          title, kind, key, unit: kind === "train" ? "training" : "validation",
          dots: kind === "valid" });
      }
    }
  }
  return [...found.values()];
}

function drawRanks(runs) {
  if (!rankFigure) {
    rankFigure = makeFigure("Step by rank", "own work, then exchange");
  }
  $("charts").append(rankFigure);
  const bars = runs.flatMap((run) => (state.details.get(run.name).ranks || [])
    .filter((rank) => Number.isFinite(rank.mean_step_seconds))
    .map((rank) => ({
      label: runs.length > 1 ? `${run.name} ${rank.rank}` : `${rank.host} ${rank.rank}`,
      parts: [
        { name: "own work", color: color(run.name), opacity: 1,
          value: Math.max(0, rank.mean_step_seconds - rank.mean_exchange_seconds) },
        { name: "exchange", color: color(run.name), opacity: 0.4,
          value: rank.mean_exchange_seconds },
      ],
    })));
  drawBars(rankFigure, bars, (value) => `${trimmed(1000 * value, 1)} ms`);
}

function drawRuns() {
  const filter = $("filter").value.toLowerCase();
  const items = state.runs.filter((run) => run.name.toLowerCase().includes(filter)).map((run) => {
    const item = node("li", undefined, run.name === state.focus ? "focus" : "");
    item.style.setProperty("--run", color(run.name));
    const box = node("input");
    box.type = "checkbox";
    box.checked = state.selected.has(run.name);
    box.setAttribute("aria-label", `Show ${run.name}`);
    box.onchange = () => {
      if (box.checked) state.selected.add(run.name); else state.selected.delete(run.name);
      refresh();
    };
    const button = node("button", run.name === "." ? run.path : run.name);
    button.type = "button";
    button.title = run.path;
    button.onclick = () => {
      state.focus = run.name;
      state.selected.add(run.name);
      refresh();
    };
    const bar = node("progress");
    bar.max = run.steps || 1;
    bar.value = run.step || 0;
    const loss = Number.isFinite(run.loss) ? `, loss ${run.loss.toFixed(4)}` : "";
    item.append(box, button, node("span", run.status, `status ${run.status}`), bar,
      node("span", `step ${run.step ?? 0} of ${run.steps ?? "?"}${loss}`, "line"));
    for (const text of shortcomings(run)) item.append(node("span", text, "line"));
    return item;
  });
  $("runs").replaceChildren(...items);
  $("empty").hidden = state.runs.length > 0;
  $("details").hidden = state.runs.length === 0;
}

function drawCards() {
  const run = state.runs.find((other) => other.name === state.focus);
  if (!run) return $("cards").replaceChildren();
  // Runs of earlier versions do not say it.
  const left = run.remaining_seconds ?? (run.steps - run.step) * run.step_seconds;
  const share = run.step_seconds > 0 ? 100 * run.exchange_seconds / run.step_seconds : NaN;
  const cards = [
    ["Run", (run.name === "." ? run.path : run.name).split("/").at(-1), run.status],
    ["Step", `${readable(run.step)}`, `of ${run.steps ?? "?"}, epoch ${run.epoch ?? "–"}`],
    ["Loss", run.loss?.toFixed(4) ?? "–", lossUnit([run])],
    ["Best validation", run.best_validation_loss?.toFixed(4) ?? "–",
      run.best_validation_step ? `at step ${run.best_validation_step}` : ""],
    ...(Number.isFinite(run.best_bits_per_byte)
      ? [["Best bits per byte", run.best_bits_per_byte.toFixed(4), "validation"]] : []),
    [`${capitalized(speedUnit([run]))} per second`, readable(run.tokens_per_second),
      `${run.ranks ?? "?"} ranks × ${run.threads ?? "?"} threads`],
    ["Exposed exchange", Number.isFinite(share) ? `${share.toFixed(1)} %` : "–", "of a step"],
    run.status === "running" ? ["Time left", duration(left), "at the mean speed"]
      : [capitalized(speedUnit([run])), readable(run.tokens), "trained on"],
  ];
  $("cards").replaceChildren(...cards.map(([title, value, note]) => {
    const card = node("div", undefined, "card");
    card.append(node("span", title), node("b", value), node("small", note));
    return card;
  }));
}

/* Values by dotted path. */
function leaves(value, path = "", into = {}) {
  if (value !== null && typeof value === "object" && !Array.isArray(value)) {
    for (const key of Object.keys(value)) leaves(value[key], path ? `${path}.${key}` : key, into);
  } else into[path] = value === null ? "null" : String(value);
  return into;
}

/* Results, and the values of the configs that differ. */
function drawComparison() {
  const runs = shown();
  $("comparison").hidden = runs.length < 2;
  if (runs.length < 2) return;
  const table = $("comparison-table");
  const head = node("tr");
  head.append(node("th", ""));
  for (const run of runs) {
    const cell = node("th");
    const key = node("span", undefined, "key");
    key.style.background = color(run.name);
    cell.append(key, run.name);
    head.append(cell);
  }
  const rows = [head];
  const add = (title, values, best) => {
    const row = node("tr");
    row.append(node("th", title));
    values.forEach((value, index) => row.append(node("td", value, index === best ? "best" : "")));
    rows.push(row);
  };
  const number = (key, digits, isBest, title = key.replaceAll("_", " ")) => {
    const values = runs.map((run) => run[key]);
    const finite = values.filter(Number.isFinite);
    const best = isBest && finite.length > 1 ? values.indexOf(isBest(...finite)) : -1;
    const text = (value) => digits === null ? readable(value) : value.toFixed(digits);
    if (finite.length === 0) return;
    add(title, values.map((v) => Number.isFinite(v) ? text(v) : "–"), best);
  };
  number("best_validation_loss", 4, Math.min);
  number("best_bits_per_byte", 4, Math.min);
  number("loss", 4, Math.min);
  number("tokens_per_second", null, Math.max, `${speedUnit(runs)} per second`);
  number("step", null);
  const configs = runs.map((run) => leaves(state.details.get(run.name).config ?? {}));
  for (const key of new Set(configs.flatMap((config) => Object.keys(config)))) {
    const values = configs.map((config) => config[key] ?? "–");
    if (key !== "run.directory" && new Set(values).size > 1) add(key, values, -1);
  }
  table.replaceChildren(...rows);
}

function redraw() {
  drawRuns();
  drawCards();
  drawCharts();
  drawComparison();
  drawDetails();
}

async function refresh() {
  try {
    await loadRuns();
    $("connection").textContent = overview();
  } catch (error) {
    $("connection").textContent = `not connected: ${error.message}`;
  }
  redraw();
}

/* Looks again after a while, and at once where the server had not read all. */
async function watch() {
  await refresh();
  setTimeout(watch, state.runs.some((run) => run.is_behind) ? 300 : 2000);
}

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  redraw();
}

$("theme").onclick = () => {
  const theme = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  localStorage.setItem("theme", theme);
  setTheme(theme);
};
for (const id of ["x-axis", "smoothing", "logarithmic", "robust"]) $(id).oninput = drawCharts;
$("filter").oninput = drawRuns;
addEventListener("resize", drawCharts);
/* A view can be linked to: ?x-axis=seconds&smoothing=0.9&logarithmic=true&theme=dark&tab=Config */
const asks = new URLSearchParams(location.search);
for (const id of ["x-axis", "smoothing"]) if (asks.has(id)) $(id).value = asks.get(id);
for (const id of ["logarithmic", "robust"]) $(id).checked = asks.get(id) === "true";
if (asks.get("tab") in tabs) state.tab = asks.get("tab");
const asked = asks.get("theme") ?? localStorage.getItem("theme");
setTheme(asked ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light"));
watch();
