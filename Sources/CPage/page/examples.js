/* Forecasts beside what came, with their intervals, and predicted numbers beside the true ones. */

import { Chart } from "./chart.js";
import { draw, make, setHidden, setText, whenChanged } from "./dom.js";
import { precise } from "./format.js";
import { linearTicks, numberTexts } from "./ticks.js";
import { scaleOf } from "./scale.js";

export function drawExamples(box, figures) {
  const forecasts = figures?.examples?.forecasts ?? [];
  const numbers = figures?.examples?.numbers ?? [];
  const horizon = figures?.tables?.horizon;
  if (forecasts.length > 0) return showForecasts(box, forecasts, horizon, figures.step);
  if (numbers.some(({ truth }) => truth.length > 0)) return showNumbers(box, numbers);
  whenChanged(box, "none", () => box.replaceChildren());
}

function showForecasts(box, forecasts, horizon, step) {
  if (!box.forecast) {
    box.forecast = new Chart({});
    box.errors = new Chart({});
    box.choice = make("select", { "aria-label": "Which forecast" });
    box.choice.onchange = () => showOne(box);
    box.signOfContent = "forecasts";
    box.replaceChildren(make("h3", {}, "Forecasts"), make("p", { class: "quiet" },
      "Some windows of the validation data, in units of the data."), box.choice,
    make("div", { class: "pair" }, box.forecast.figure, box.errors.figure));
  }
  box.forecasts = forecasts;
  box.step = step;
  const names = forecasts.map(({ column }, index) => `${column}, window ${1 + forecasts
    .slice(0, index).filter((other) => other.column === column).length}`);
  whenChanged(box.choice, names, () => {
    const chosen = box.choice.selectedIndex;
    box.choice.replaceChildren(...names.map((name) => make("option", {}, name)));
    box.choice.selectedIndex = Math.max(0, chosen);
  });
  showOne(box);
  showHorizon(box, horizon);
}

const percent = (level) => `${+(100 * level).toFixed(1)} %`;

function showOne(box) {
  const index = Math.max(0, box.choice.selectedIndex);
  const { column, past, truth, forecast, bands } = box.forecasts[index];
  const ahead = forecast.map((_, step) => step + 1);
  const before = past.map((_, step) => step + 1 - past.length);
  const came = { xs: [], ys: [] };
  [...before, ...ahead].forEach((x, place) => {
    const y = [...past, ...truth][place];
    if (Number.isFinite(y)) {
      came.xs.push(x);
      came.ys.push(y);
    }
  });
  const lines = bands.toSorted((a, b) => b.level - a.level).map(({ level, low, high }) => ({
    id: `band ${level}`, name: `interval of ${percent(level)}`, color: "var(--accent)",
    isBand: true, curve: { xs: ahead, ys: forecast, lows: low, highs: high } }));
  lines.push({ id: "came", name: "what came", color: "var(--text)", curve: came },
    { id: "forecast", name: "forecast", color: "var(--accent)", isNamed: true,
      curve: { xs: ahead, ys: forecast } });
  box.forecast.update({ title: column, unit: "in units of the data", lines, xKind: "whole",
    xLabel: "step", sign: JSON.stringify([box.step, index, box.forecasts.length, forecast[0]]) });
}

/* The errors by steps ahead, as the table has them. */
function showHorizon(box, horizon) {
  setHidden(box.errors.figure, !horizon);
  if (!horizon) return;
  const xs = horizon.rows.map((row) => row[0]);
  const lines = horizon.columns.flatMap((name, place) => {
    if (place === 0 || !/^mse/.test(name)) return [];
    const model = name === "mse" ? "this run" : name.replace("mse_of_", "").replaceAll("_", " ");
    return [{ id: name, name: model, color: name === "mse" ? "var(--accent)" : "var(--quiet)",
      dash: name === "mse" ? null : name.includes("seasonal") ? "7 3" : "1 4", isNamed: true,
      curve: { xs, ys: horizon.rows.map((row) => row[place]) } }];
  });
  box.errors.update({ title: "MSE by steps ahead", unit: "scaled, all columns", lines,
    xKind: "whole", xLabel: "steps ahead", fromZero: true,
    sign: JSON.stringify([box.step, horizon.rows.length]) });
}

/* A point for each number: on the line where it is predicted rightly. */
function showNumbers(box, columns) {
  whenChanged(box, columns, () => {
    box.replaceChildren(make("h3", {}, "Predicted and true numbers"), make("p", { class: "quiet" },
      "Some of the validation data, in units of the data. What is predicted rightly is on the "
      + "line."), make("div", { class: "pair" }, ...columns.slice(0, 6).map(scatter)));
  });
}

const size = { width: 360, height: 300, left: 56, right: 350, top: 10, bottom: 262 };

function scatter({ column, truth, predicted }) {
  const all = [...truth, ...predicted].filter(Number.isFinite);
  let [low, high] = [Math.min(...all), Math.max(...all)];
  const room = 0.05 * (high - low) || 1;
  [low, high] = [low - room, high + room];
  const x = scaleOf([low, high], [size.left, size.right]);
  const y = scaleOf([low, high], [size.bottom, size.top]);
  const svg = draw("svg", { viewBox: `0 0 ${size.width} ${size.height}`, class: "scatter",
    role: "img", "aria-label": `${column}: predicted over true numbers` });
  const ticks = linearTicks(low, high, 5);
  numberTexts(ticks).forEach((text, index) => {
    const value = ticks[index];
    svg.append(draw("line", { class: "grid", x1: size.left, x2: size.right, y1: y(value),
      y2: y(value) }),
    draw("text", { x: size.left - 7, y: y(value) + 4, "text-anchor": "end" }, text),
    draw("text", { x: x(value), y: size.bottom + 16, "text-anchor": "middle" }, text));
  });
  svg.append(draw("line", { class: "axis", x1: x(low), y1: y(low), x2: x(high), y2: y(high) }),
    draw("text", { x: (size.left + size.right) / 2, y: size.height - 4, "text-anchor": "middle" },
      "true"),
    draw("text", { x: 14, y: size.height / 2, "text-anchor": "middle",
      transform: `rotate(-90 14 ${size.height / 2})` }, "predicted"));
  truth.forEach((value, index) => {
    if (!Number.isFinite(value) || !Number.isFinite(predicted[index])) return;
    const words = `true ${precise(value)}, predicted ${precise(predicted[index])}`;
    svg.append(draw("circle", { cx: x(value).toFixed(1), cy: y(predicted[index]).toFixed(1), r: 3 },
      draw("title", {}, words)));
  });
  return make("figure", {}, make("figcaption", {}, make("b", {}, column)), svg);
}
