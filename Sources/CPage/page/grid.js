/* The charts of the page. */

import { Chart } from "./chart.js";
import { axisOf, definitions, linesOf, subjects } from "./curves.js";
import { byId, keyed, setHidden, setText } from "./dom.js";
import { drawRanks } from "./ranks.js";
import { set, ticked, view, zoomed } from "./view.js";

const charts = new Map();

function chartOf(id) {
  if (!charts.has(id)) {
    charts.set(id, new Chart({
      zoom: (range) => set({ zoom: range ? range.map((value) => rounded(value)).join("_") : "" }),
      enlarge: () => set({ large: view.large === id ? "" : id }),
    }));
  }
  return charts.get(id);
}

/* An address need not say more than a pixel shows. */
const rounded = (value) => Number(value.toPrecision(10));

export function drawCharts() {
  const groups = subjects();
  const axis = view["x-axis"];
  const { kind, label } = axisOf(axis, groups);
  const zoom = zoomed();
  const shared = [axis, view.smoothing, view.logarithmic, view["log-x"], view.robust, view.zoom,
    view.seeds];
  const drawn = [];
  for (const definition of definitions(groups)) {
    const isLarge = view.large === definition.id;
    if (view.large && !isLarge) continue;
    const own = definition.groups.map((group) => [group.key, group.name, group.color, group.dash,
      group.details.map((detail) => detail.version)]);
    drawn.push({ definition, isLarge, sign: JSON.stringify([shared, own, isLarge, definition.title,
      definition.unit]) });
  }
  // A large chart that is no more there hides nothing.
  if (view.large && drawn.length === 0 && groups.length > 0) return set({ large: "" });
  const shown = [];
  for (const { definition, isLarge, sign } of drawn) {
    const chart = chartOf(definition.id);
    if (chart.signOfLines !== sign) {
      chart.signOfLines = sign;
      chart.lines = linesOf(definition, axis, view.smoothing);
    }
    const hasPoints = chart.lines.some((line) => line.curve.xs.length > 0);
    if (!hasPoints && !definition.isFirst && !isLarge) continue;
    shown.push({ definition, isLarge, sign, chart });
  }
  keyed(byId("charts"), shown, ({ definition }) => definition.id, ({ chart }) => chart.figure);
  for (const { definition, isLarge, sign, chart } of shown) {
    chart.update({ title: definition.title, unit: definition.unit, lines: chart.lines,
      xKind: kind, xLabel: label, logX: view["log-x"] && kind !== "clock",
      logY: view.logarithmic && !definition.fromZero, robust: view.robust,
      fromZero: definition.fromZero, zoom, isLarge, sign, nothing: nothingOf(axis) });
  }
  const words = stateOf(groups);
  setText(byId("charts-state"), words);
  setHidden(byId("charts-state"), words === "");
  drawRanks(view.large ? [] : groups);
}

function stateOf(groups) {
  const asked = ticked().length;
  if (asked === 0) return "No run is ticked. Tick runs in the list to see their curves.";
  const count = groups.reduce((sum, { runs }) => sum + runs.length, 0);
  if (count === 0) return "Reading the curves …";
  return count < asked ? `Reading the curves: ${count} of ${asked} runs are here.` : "";
}

const nothingOf = (axis) => (axis === "relative" || axis === "clock"
  ? "its records do not say when they were written" : "no numbers yet");
