/* All runs as a table: results and what differs in their configs, sorted by any column. */

import { byId, keyed, make, setAttribute, setHidden, setText } from "./dom.js";
import { bySeeds, compareValues, differing, fields, spread } from "./filter.js";
import { age, fixed, grouped, plural, precise, readable, valueText } from "./format.js";
import { listed, statusWord } from "./list.js";
import { bestOf, isLowerBetter, lossUnit, measures, title } from "./metrics.js";
import { now, store } from "./store.js";
import { set, tick, ticked, view } from "./view.js";

const mostConfigColumns = 6;

/* Columns in order: {key, title, value, text, isResult}. */
function columns(runs) {
  const own = (key, name, text = valueText) => ({ key, title: name, text,
    value: (run) => fields(run)[key] });
  const names = [...new Set(runs.flatMap(measures))];
  const results = ["loss", ...names].filter((key) =>
    runs.some((run) => Number.isFinite(run.validation?.[key])));
  const judged = [...new Set(runs.map((run) => run.best?.measure))];
  const best = judged.length === 1 && judged[0] ? `Best ${lower(title(judged[0]))}` : "Best";
  const chosen = view.columns.split(",").filter(Boolean);
  const differ = differing(runs, view.seeds ? undefined : new Set(["run.directory", "run.name"]));
  const keys = chosen.length > 0 ? chosen : differ.slice(0, mostConfigColumns);
  const made = [
    { ...own("status", "State"), value: statusWord },
    { ...own("step", "Step", (value) => (value === null ? "–" : grouped(value))) },
    ...keys.map((key) => ({ key, title: shortName(key, keys), value: (run) => run.flat[key],
      text: valueText, isConfig: true })),
    { key: "best", title: best, value: (run) => run.best?.value, text: fixed,
      better: (run) => `${run.best?.measure} ${taskOf(run)}`, isResult: true },
    ...results.map((key) => ({ key, title: key === "loss" ? "Validation loss" : title(key),
      value: (run) => run.validation?.[key], text: fixed, isResult: true,
      better: (run) => (key === "loss" ? `loss ${taskOf(run)}` : key) })),
    { ...own("speed", "Speed", readable), isResult: true },
    { key: "age", title: "Last sign", value: (run) => now() - (run.updated ?? NaN),
      text: (value) => age(value) },
  ];
  for (const column of made) {
    column.isNumber = runs.some((run) => typeof column.value(run) === "number");
  }
  return made;
}

/* Losses of different tasks are not better or worse than each other. */
const taskOf = (run) => `${run.task?.name} ${lossUnit(run)}`;

/* Names that are words, not signs such as MSE, begin small within a sentence. */
const lower = (text) => (/^[A-Z][a-z]/.test(text) ? text[0].toLowerCase() + text.slice(1) : text);

/* The end of a config's path, or all of it where two end alike. */
function shortName(key, keys) {
  const end = key.split(".").at(-1);
  return keys.filter((other) => other.split(".").at(-1) === end).length > 1 ? key : end;
}

export function drawTable() {
  const runs = listed();
  const shown = columns(runs);
  const groups = view.seeds ? bySeeds(runs)
    : runs.map((run) => ({ runs: [run], name: run.name === "." ? run.path : run.name,
      key: run.name }));
  const sorted = sort(groups, shown);
  drawHeads(shown);
  drawRows(sorted, shown);
  drawChoice(runs);
  setText(byId("table-state"), stateOf(runs, groups));
  setHidden(byId("table-scroll"), runs.length === 0);
}

function stateOf(runs, groups) {
  const words = view.seeds ? `${plural(groups.length, "group")} of ${plural(runs.length, "run")}`
    : plural(runs.length, "run");
  return view.filter ? `${words} of ${store.names.length} match "${view.filter}"` : words;
}

const mean = (group, column) => {
  const values = group.runs.map(column.value);
  return values.length > 1 && values.every((value) => typeof value === "number")
    ? spread(values)?.mean : values[0];
};

function sort(groups, shown) {
  const isDescending = view.sort.startsWith("-");
  const key = isDescending ? view.sort.slice(1) : view.sort;
  const column = shown.find((other) => other.key === key);
  if (key === "name") return groups.toSorted((a, b) =>
    compareValues(a.name, b.name, isDescending));
  if (!column) return groups;
  return groups.toSorted((a, b) => compareValues(mean(a, column), mean(b, column), isDescending));
}

function drawHeads(shown) {
  const heads = [{ key: "name", title: "Run" }, ...shown];
  const makeHead = () => make("th", { scope: "col" }, make("button", { type: "button" }));
  keyed(byId("table-head"), heads, ({ key }) => key, makeHead, (cell, head) => {
    const { key, title, isConfig, isNumber } = head;
    const isOn = view.sort === key || view.sort === `-${key}`;
    const order = !isOn ? null : view.sort === key ? "ascending" : "descending";
    setAttribute(cell, "aria-sort", order);
    setAttribute(cell, "class", key === "name" ? "sticky" : isNumber ? "number" : null);
    setText(cell.firstChild, title + (order ? order === "ascending" ? " ▲" : " ▼" : ""));
    setAttribute(cell.firstChild, "title", isConfig ? key : null);
    // The first click shows the best first, where one is the best.
    const first = ["name", "status", "age"].includes(key) || isConfig
      || (key !== "best" && isLowerBetter(key) && key !== "step" && key !== "speed")
      ? key : `-${key}`;
    const second = first.startsWith("-") ? key : `-${key}`;
    cell.firstChild.onclick = () => set({ sort: view.sort === first ? second
      : view.sort === second ? "" : first });
  });
}

function drawRows(groups, shown) {
  const best = new Map(shown.filter((column) => column.better).map((column) => {
    const values = groups.map((group) => mean(group, column));
    const measured = new Set(groups.map((group) => column.better(group.runs[0])));
    const lower = isLowerBetter([...measured][0]?.split(" ")[0] ?? "loss");
    return [column.key, new Set(measured.size === 1 ? bestOf(values, lower) : [])];
  }));
  const now = new Set(ticked());
  const rows = groups.map((group, index) => ({ group, index }));
  keyed(byId("table-body"), rows, ({ group }) => group.key, makeRow, (row, { group, index }) => {
    showHead(row.firstChild.firstChild, group, now);
    keyed(row, [{ key: headKey }, ...shown], ({ key }) => key, () => make("td"),
      (cell, column) => {
        if (column.key === headKey) return;
        showCell(cell, group, column, best.get(column.key)?.has(index) ?? false);
      });
  });
}

const headKey = "\0head";

function makeRow() {
  const head = make("th", { scope: "row", class: "sticky" }, make("label", {},
    make("input", { type: "checkbox" }), make("button", { type: "button", class: "link" })));
  head.keyOfItem = headKey;
  return make("tr", {}, head);
}

function showHead(label, group, now) {
  const [box, name] = label.children;
  const names = group.runs.map((run) => run.name);
  const isOn = names.every((name) => now.has(name));
  if (box.checked !== isOn) box.checked = isOn;
  setAttribute(box, "aria-label", `Show the curves of ${group.name}`);
  box.onchange = () => tick(names, box.checked);
  setText(name, group.name);
  setAttribute(name, "title", group.runs.map((run) => run.path).slice(0, 10).join("\n"));
  name.onclick = () => {
    if (!isOn) tick(names, true);
    set({ focus: group.key, view: "curves" });
  };
}

function showCell(cell, group, column, isBest) {
  const values = group.runs.map(column.value);
  const kinds = [column.isNumber && "number", isBest && "best"].filter(Boolean).join(" ");
  setAttribute(cell, "class", kinds || null);
  setText(cell, cellText(values, column) + (isBest ? " ★" : ""));
  setAttribute(cell, "title", isBest ? "best" : null);
}

function cellText(values, column) {
  if (values.length === 1) return column.text(values[0]);
  const all = new Set(values.map((value) => column.text(value)));
  if (all.size === 1) return [...all][0];
  if (values.some((value) => value !== undefined && value !== null && typeof value !== "number")) {
    return `${all.size} values`;
  }
  const { mean, low, high, count } = spread(values) ?? {};
  if (count === undefined) return "–";
  const text = column.isResult ? fixed : precise;
  if (column.key === "age") return column.text(low);
  return `${text(mean)} (${text(low)} to ${text(high)})`;
}

/* Which config values have columns. */
function drawChoice(runs) {
  const keys = [...new Set(runs.flatMap((run) => Object.keys(run.flat)))];
  const differ = new Set(differing(runs, new Set(["run.directory", "run.name"])));
  const order = [...keys.filter((key) => differ.has(key)), ...keys.filter((key) =>
    !differ.has(key))];
  const chosen = new Set(view.columns.split(",").filter(Boolean));
  const usual = new Set(view.columns ? [] : columns(runs).filter(({ isConfig }) => isConfig)
    .map(({ key }) => key));
  keyed(byId("column-choice"), order, (key) => key, () =>
    make("label", {}, make("input", { type: "checkbox" }), make("span")), (label, key) => {
    const box = label.firstChild;
    const isOn = chosen.has(key) || usual.has(key);
    if (box.checked !== isOn) box.checked = isOn;
    setText(label.lastChild, key);
    label.classList.toggle("differs", differ.has(key));
    box.onchange = () => {
      const next = new Set([...chosen, ...usual]);
      if (box.checked) next.add(key); else next.delete(key);
      set({ columns: order.filter((other) => next.has(other)).join(",") });
    };
  });
}
