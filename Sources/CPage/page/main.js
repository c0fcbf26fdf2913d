/* Puts the page together: what is set, what is drawn, and when. */

import { drawComparison } from "./compare.js";
import { byId, coalesced, setAttribute, setHidden, setText } from "./dom.js";
import { drawCharts } from "./grid.js";
import { drawHead, drawState } from "./head.js";
import { drawList, listed } from "./list.js";
import { speedUnit } from "./metrics.js";
import { drawPanels, watchTabs } from "./panels.js";
import { lookSoon, watch } from "./server.js";
import { store } from "./store.js";
import { drawTable } from "./table.js";
import { focus, onChange, readAddress, set, tick, ticked, view } from "./view.js";

const isDark = matchMedia("(prefers-color-scheme: dark)");
const isWide = matchMedia("(min-width: 801px)");

function drawPage() {
  const hasRuns = store.names.length > 0;
  const isTable = view.view === "table";
  drawState();
  setHidden(byId("side"), !hasRuns);
  setHidden(byId("curves-view"), !hasRuns || isTable);
  setHidden(byId("table-view"), !hasRuns || !isTable);
  document.body.classList.toggle("alone", !hasRuns);
  document.body.classList.toggle("tabular", isTable);
  showSettings();
  if (!hasRuns) return;
  drawList();
  if (isTable) drawTable();
  else {
    drawHead();
    drawCharts();
    drawComparison(!view.large);
    setHidden(byId("details"), view.large !== "");
    if (!view.large) drawPanels();
  }
}

const draw = coalesced(drawPage);

/* Runs whose curves are needed, the one in focus first. */
const shown = () => [...new Set([focus(), ...(view.view === "table" ? [] : ticked())])]
  .filter(Boolean);

const boxes = ["logarithmic", "log-x", "robust", "seeds"];

function showSettings() {
  if (byId("x-axis").value !== view["x-axis"]) byId("x-axis").value = view["x-axis"];
  const run = store.runs.get(focus());
  if (run) setText(byId("x-axis").querySelector("[value=tokens]"), speedUnit(run));
  if (Number(byId("smoothing").value) !== view.smoothing) byId("smoothing").value = view.smoothing;
  setText(byId("smoothing-value"), view.smoothing === 0 ? "off" : view.smoothing.toFixed(2));
  for (const id of boxes) if (byId(id).checked !== view[id]) byId(id).checked = view[id];
  const filter = byId("filter");
  if (filter !== document.activeElement && filter.value !== view.filter) filter.value = view.filter;
  for (const name of ["curves", "table"]) {
    setAttribute(byId(`view-${name}`), "aria-pressed", String(view.view === name));
  }
  const theme = view.theme || localTheme() || (isDark.matches ? "dark" : "light");
  if (document.documentElement.dataset.theme !== theme) {
    document.documentElement.dataset.theme = theme;
  }
  setAttribute(byId("theme"), "aria-label", `Colours: ${theme}; take the other`);
}

function localTheme() {
  try {
    return localStorage.getItem("theme");
  } catch {
    return null;
  }
}

function watchSettings() {
  byId("x-axis").onchange = () => set({ "x-axis": byId("x-axis").value, zoom: "" });
  byId("smoothing").oninput = () => set({ smoothing: Number(byId("smoothing").value) });
  for (const id of boxes) byId(id).onchange = () => set({ [id]: byId(id).checked });
  byId("filter").oninput = () => set({ filter: byId("filter").value });
  byId("clear-filter").onclick = () => {
    byId("filter").value = "";
    set({ filter: "" });
    byId("filter").focus();
  };
  for (const name of ["curves", "table"]) byId(`view-${name}`).onclick = () => set({ view: name });
  byId("theme").onclick = () => {
    const theme = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
    try {
      localStorage.setItem("theme", theme);
    } catch {
      // Without a place to keep it, it lasts as long as the page.
    }
    set({ theme });
  };
  const names = () => listed().map((run) => run.name);
  byId("tick-all").onclick = () => tick(names(), true);
  byId("tick-none").onclick = () => tick(names(), false);
  byId("tick-newest").onclick = () => set({ runs: null });
}

/* On a phone the list and the settings are folded, so that the first chart is on the screen. */
function foldByWidth() {
  for (const id of ["side-fold", "settings"]) byId(id).open = isWide.matches;
}

readAddress(location.search);
foldByWidth();
isWide.addEventListener("change", foldByWidth);
isDark.addEventListener("change", draw);
addEventListener("popstate", () => {
  readAddress(location.search);
  draw();
});
addEventListener("keydown", (event) => {
  if (event.key === "Escape" && view.large && !event.defaultPrevented) set({ large: "" });
});
document.addEventListener("visibilitychange", () => { if (!document.hidden) lookSoon(); });
watchSettings();
watchTabs();
onChange((keys) => {
  draw();
  if (keys.some((key) => ["runs", "focus", "view"].includes(key))) lookSoon();
});
drawPage();
watch(shown, draw);
