/* Results of the runs that are ticked, and only what differs between them. */

import { byId, make, setHidden, whenChanged } from "./dom.js";
import { subjects } from "./curves.js";
import { differing, spread } from "./filter.js";
import { fixed, grouped, plural, readable, valueText } from "./format.js";
import { bestOf, isLowerBetter, lossUnit, measures, speedUnit, title } from "./metrics.js";

const mostColumns = 12;

export function drawComparison(isOn) {
  const groups = isOn ? subjects() : [];
  setHidden(byId("comparison"), groups.length < 2);
  if (groups.length < 2) return;
  const shown = groups.slice(0, mostColumns);
  const made = compared(shown);
  whenChanged(byId("comparison-table"), [made, shown.map(({ name, color }) => [name, color])],
    (table) => table.replaceChildren(head(shown), body(made)));
  const words = made.equal > 0 ? [`${plural(made.equal, "value")} of the config`
    + ` ${made.equal === 1 ? "is" : "are"} equal and left out.`] : [];
  if (groups.length > shown.length) {
    words.push(`The first ${mostColumns} of ${groups.length} are compared; the table has all.`);
  }
  whenChanged(byId("comparison-note"), words, (note) => { note.textContent = words.join(" "); });
}

/* Rows of texts with the places of the best, results first. */
export function compared(groups) {
  const rows = [];
  const add = (name, values, text, lowerIsBetter = null) => {
    const means = values.map((list) => spread(list)?.mean);
    if (!means.some(Number.isFinite)) return;
    const texts = values.map((list) => spreadText(list, text));
    const best = lowerIsBetter === null ? [] : bestOf(means, lowerIsBetter);
    rows.push({ name, texts, best, isEqual: new Set(texts).size === 1 });
  };
  // Losses of different tasks are not better or worse than each other.
  const isComparable = new Set(groups.flatMap(({ runs }) =>
    runs.map((run) => `${run.task?.name} ${lossUnit(run)}`))).size === 1;
  const lower = (name) => (name !== "loss" || isComparable ? isLowerBetter(name) : null);
  const each = (value) => groups.map(({ runs }) => runs.map(value));
  const all = groups.flatMap(({ runs }) => runs);
  const byMeasure = new Set(all.map((run) => run.best?.measure));
  for (const name of byMeasure) if (name) {
    const words = name === "loss" ? "best validation loss" : `best ${title(name)}`;
    add(words, each((run) => (run.best?.measure === name ? run.best.value : NaN)), fixed,
      lower(name));
  }
  for (const name of ["loss", ...new Set(all.flatMap(measures))]) {
    add(name === "loss" ? "validation loss" : title(name), each((run) => run.validation?.[name]),
      fixed, lower(name));
  }
  const units = [...new Set(all.map(speedUnit))];
  add(`${units.join(" or ")} per second`, each((run) => run.tokens_per_second), readable,
    isComparable ? false : null);
  add("step", each((run) => run.step), grouped);
  const firsts = groups.map(({ runs }) => runs[0]);
  const keys = differing(firsts, groups.some(({ runs }) => runs.length > 1) ? undefined
    : new Set(["run.directory", "run.name"]));
  for (const key of keys) {
    rows.push({ name: key, texts: firsts.map((run) => valueText(run.flat[key])), best: [] });
  }
  const total = new Set(firsts.flatMap((run) => Object.keys(run.flat))).size;
  return { rows: rows.filter((row) => !row.isEqual), equal: Math.max(0, total - keys.length) };
}

function spreadText(values, text) {
  const range = spread(values);
  if (!range) return "–";
  if (values.length === 1 || range.low === range.high) return text(range.mean);
  return `${text(range.mean)} (${text(range.low)} to ${text(range.high)})`;
}

function head(groups) {
  return make("thead", {}, make("tr", {}, make("td"), ...groups.map(({ name, color }) => {
    const key = make("span", { class: "key" });
    key.style.background = color;
    return make("th", { scope: "col" }, key, name);
  })));
}

function body({ rows }) {
  return make("tbody", {}, ...rows.map(({ name, texts, best }) => make("tr", {},
    make("th", { scope: "row" }, name), ...texts.map((text, index) => {
      const isBest = best.includes(index);
      return make("td", { class: isBest ? "best" : null, title: isBest ? "best" : null },
        isBest ? `${text} ★` : text);
    }))));
}
