/* What the last validation of the run in focus has found out: measures beside naive models, tables,
   the confusion matrix, forecasts and predicted numbers. */

import { make, setText, showTable, table, whenChanged } from "./dom.js";
import { drawExamples } from "./examples.js";
import { capitalized, fixed, grouped, valueText } from "./format.js";
import { compareValues } from "./filter.js";
import { baselineOf, title } from "./metrics.js";

export function drawResults(box, detail, run) {
  if (box.children.length === 0) {
    box.append(make("p", { class: "quiet" }), ...["measures", "examples", "confusion", "tables"]
      .map((name) => make("section", { class: `result ${name}` })));
  }
  const [note, measures, examples, confusion, tables] = box.children;
  const figures = detail.figures;
  setText(note, noteOf(detail, run, figures));
  const [heads, rows] = measureRows(run);
  whenChanged(measures, rows.length > 0 ? "some" : "none", () => measures.replaceChildren(
    ...(rows.length > 0 ? [make("h3", {}, "Measures"), make("div")] : [])));
  if (rows.length > 0) showTable(measures.lastChild, heads, rows, "Measures");
  drawExamples(examples, figures);
  whenChanged(confusion, figures?.tables?.confusion ?? null, () =>
    confusion.replaceChildren(...confusionMatrix(figures?.tables?.confusion)));
  const others = Object.entries(figures?.tables ?? {}).filter(([name]) => name !== "confusion");
  whenChanged(tables, others, () => tables.replaceChildren(...others.flatMap(figureTable)));
}

function noteOf(detail, run, figures) {
  if ((detail.valid.step ?? []).length === 0) {
    return "No validation yet: run.validate_every in the config says after how many steps one is "
      + "made.";
  }
  const step = detail.valid.step.at(-1);
  if (!figures) {
    return `The validation of step ${grouped(step)}. Its tables are in no file: an earlier program `
      + `made it. They are printed by gru-dist evaluate ${run.path}.`;
  }
  return `The validation of step ${grouped(figures.step)}, of ${grouped(figures.targets)} `
    + `${figures.unit}.`;
}

/* The last validation: each measure beside the naive models. */
export function measureRows(run) {
  const all = Object.entries(run.validation ?? {});
  const own = all.filter(([name]) => !baselineOf(name));
  const bases = all.flatMap(([name, value]) => {
    const base = baselineOf(name);
    return base ? [{ ...base, value }] : [];
  });
  const models = [...new Set(bases.map(({ model }) => model))];
  const heads = ["Measure", "This run", ...models.map(capitalized)];
  return [heads, own.map(([name, value]) => [title(name), fixed(value), ...models.map((model) =>
    fixed(bases.find((base) => base.measure === name && base.model === model)?.value))])];
}

const cellText = (value, isWhole) => (typeof value !== "number" ? valueText(value)
  : isWhole ? grouped(value) : fixed(value));

/* A table that is sorted by a click on its heads. */
function figureTable([name, { title: words, columns, rows, row_count: count }]) {
  if (rows.length === 0) return [];
  const box = make("div", {});
  let [sorted, descending] = [-1, false];
  const areWhole = columns.map((_, index) => rows.every((row) =>
    typeof row[index] !== "number" || Number.isInteger(row[index])));
  const show = () => {
    const order = sorted < 0 ? rows : rows.toSorted((a, b) =>
      compareValues(a[sorted], b[sorted], descending));
    const heads = columns.map((text, index) => make("button", { type: "button",
      onclick: () => {
        [sorted, descending] = [index, sorted === index ? !descending : index > 0];
        show();
        box.querySelectorAll("th button")[index].focus();
      } }, text.replaceAll("_", " ") + (sorted !== index ? "" : descending ? " ▼" : " ▲")));
    box.replaceChildren(table(heads, order.map((row) => row.map((cell, index) =>
      cellText(cell, areWhole[index]))), name));
    [...box.querySelectorAll("th")].forEach((head, index) => {
      if (sorted === index) head.ariaSort = descending ? "descending" : "ascending";
    });
  };
  show();
  const rest = count > rows.length ? [make("p", { class: "quiet" },
    `The first ${rows.length} of ${grouped(count)} rows.`)] : [];
  return [make("h3", {}, capitalized(words)), box, ...rest];
}

const mostNumbers = 24;

/* Rows are the true classes, columns the predicted ones; the darker, the more of the true class. */
function confusionMatrix(matrix) {
  if (!matrix) return [];
  const classes = matrix.columns.slice(1);
  const counts = matrix.rows.map((row) => (row.length > classes.length ? row.slice(1) : row));
  const cells = counts.map((row, truth) => {
    const total = row.reduce((sum, count) => sum + count, 0);
    const head = make("th", { scope: "row" }, classes[truth]);
    return make("tr", {}, head, ...row.map((count, guess) => {
      const share = total > 0 ? count / total : 0;
      const words = `${classes[truth]}, taken for ${classes[guess]}: ${count} of ${total}`
        + ` (${(100 * share).toFixed(1)} %)`;
      const cell = make("td", { title: words, class: truth === guess ? "right" : null },
        classes.length <= mostNumbers && count > 0 ? grouped(count) : "");
      cell.style.setProperty("--share", share.toFixed(3));
      if (share > 0.55) cell.classList.add("dark");
      return cell;
    }));
  });
  const head = make("tr", {}, make("td", {}, "true \\ predicted"), ...classes.map((name) =>
    make("th", { scope: "col" }, make("span", {}, name))));
  const isSmall = classes.length > mostNumbers;
  return [make("h3", {}, "Confusion matrix"), make("p", { class: "quiet" },
    "Rows are the true classes, columns the predicted ones. The darker, the larger the share of "
    + "the true class."),
  make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Confusion matrix" },
    make("table", { class: `matrix${isSmall ? " small" : ""}` }, make("thead", {}, head),
      make("tbody", {}, ...cells)))];
}
