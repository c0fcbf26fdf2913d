/* The list of runs at the side: by directories that fold, with ticks and colours. */

import { nameOf } from "./curves.js";
import { byId, keyed, make, setAttribute, setHidden, setText } from "./dom.js";
import { bySeeds, filtered } from "./filter.js";
import { fixed, grouped, plural } from "./format.js";
import { title } from "./metrics.js";
import { shortcomings, store } from "./store.js";
import { colorCount, colorNames, colorOf, focus, fold, folded, pin, set, tick, ticked, view }
  from "./view.js";

export const listed = () =>
  filtered(store.names.map((name) => store.runs.get(name)).filter(Boolean), view.filter);

/* Rows of the list: a directory, then what is in it unless it is folded. */
function rows(runs) {
  const made = [];
  const seen = new Set();
  for (const run of runs) {
    const parts = run.name === "." ? [run.name] : run.name.split("/");
    let isHidden = false;
    for (let depth = 1; depth < parts.length; depth += 1) {
      const path = parts.slice(0, depth).join("/");
      if (!isHidden && !seen.has(path)) {
        seen.add(path);
        made.push({ path, depth: depth - 1, runs: runs.filter(({ name }) =>
          name.startsWith(`${path}/`)) });
      }
      isHidden ||= folded.has(path);
    }
    if (!isHidden) made.push({ run, depth: parts.length - 1, label: parts.at(-1) });
  }
  return made;
}

/* By name, the run whose colour another one of its group of seeds has. */
function leaders() {
  if (!view.seeds) return new Map();
  const shown = ticked().map((name) => store.runs.get(name)).filter(Boolean);
  return new Map(bySeeds(shown).flatMap(({ key, runs }) => runs.map(({ name }) => [name, key])));
}

export function drawList() {
  const runs = listed();
  const leaderOf = leaders();
  const now = new Set(ticked());
  const inFocus = focus();
  keyed(byId("runs"), rows(runs), (row) => row.run ? `run ${row.run.name}` : `dir ${row.path}`,
    (row) => (row.run ? makeRun() : makeDirectory()),
    (item, row) => (row.run ? showRun(item, row, now, inFocus, leaderOf.get(row.run.name))
      : showDirectory(item, row, now)));
  const count = store.names.length;
  setText(byId("run-count"), view.filter ? `${runs.length} of ${count}` : grouped(count));
  const none = count > 0 && runs.length === 0;
  setHidden(byId("no-match"), !none);
  if (none) setText(byId("no-match").firstElementChild, `No run matches "${view.filter}".`);
  const ticks = runs.filter(({ name }) => now.has(name)).length;
  setText(byId("tick-count"), plural(ticks, "run") + " ticked");
}

function makeDirectory() {
  const item = make("li", { class: "directory" },
    make("button", { type: "button", class: "fold" }), make("button", { type: "button",
      class: "link" }));
  return item;
}

function showDirectory(item, { path, depth, runs }, now) {
  const [button, all] = item.children;
  const isFolded = folded.has(path);
  item.style.setProperty("--depth", depth);
  setText(button, `${isFolded ? "▸" : "▾"} ${path.split("/").at(-1)} (${runs.length})`);
  setAttribute(button, "aria-expanded", String(!isFolded));
  setAttribute(button, "title", path);
  button.onclick = () => {
    fold(path, !isFolded);
    drawList();
  };
  const areAll = runs.every(({ name }) => now.has(name));
  setText(all, areAll ? "untick" : "tick all");
  setAttribute(all, "aria-label", `${areAll ? "Untick" : "Tick"} all runs in ${path}`);
  all.onclick = () => tick(runs.map(({ name }) => name), !areAll);
}

function makeRun() {
  return make("li", { class: "run" },
    make("input", { type: "checkbox" }), make("button", { type: "button", class: "color" }),
    make("button", { type: "button", class: "name" }), make("span", { class: "status" }),
    make("span", { class: "line" }), make("progress", { max: 1 }),
    make("span", { class: "line warning" }));
}

function showRun(item, { run, depth, label }, now, inFocus, leader = run.name) {
  const [box, color, name, status, line, progress, warning] = item.children;
  const isTicked = now.has(run.name);
  item.style.setProperty("--depth", depth);
  const shade = isTicked ? colorOf(leader) : colorCount - 1;
  item.style.setProperty("--run", `var(--run-${shade})`);
  item.classList.toggle("focus", run.name === inFocus);
  if (box.checked !== isTicked) box.checked = isTicked;
  setAttribute(box, "aria-label", `Show the curves of ${run.name}`);
  box.onchange = () => tick([run.name], box.checked);
  setHidden(color, !isTicked);
  setAttribute(color, "aria-label", `Colour of ${run.name}: ${colorNames[shade]}; take the next`);
  setAttribute(color, "title", `Colour: ${colorNames[shade]}. Click for the next one.`);
  color.onclick = () => {
    pin(leader, (shade + 1) % colorCount);
    set({ runs: [...ticked()] });
    drawList();
  };
  setText(name, label === "." ? nameOf(run) : label);
  setAttribute(name, "title", run.name === "." ? run.path : run.name);
  setAttribute(name, "aria-current", run.name === inFocus ? "true" : null);
  name.onclick = () => set({ focus: run.name,
    runs: isTicked || !view.runs ? view.runs : [...ticked(), run.name] });
  setText(status, statusWord(run));
  setAttribute(status, "class", `status ${statusWord(run).replaceAll(" ", "-")}`);
  setText(line, `step ${grouped(run.step ?? 0)}${run.steps ? ` of ${grouped(run.steps)}` : ""}`
    + bestText(run));
  setHidden(progress, !(run.steps > (run.step ?? 0)) || run.status === "done");
  const share = run.steps > 0 ? Math.min(1, (run.step ?? 0) / run.steps) : 0;
  if (progress.value !== share) progress.value = share;
  setAttribute(progress, "aria-label", `Steps of ${run.name}`);
  // What may be done stands in the head of the run in focus.
  const words = shortcomings(run).map((text) => text.split(/[:;]/)[0]);
  setHidden(warning, words.length === 0);
  setText(warning, words.join("; "));
}

/* What a run is, by its daemon where that says more. */
export function statusWord(run) {
  if (run.daemon === "gave_up") return "gave up";
  if (run.daemon === "bad_config") return "bad config";
  if (run.daemon === "waiting" && run.status !== "running") return "waiting";
  return run.status;
}

export function bestText(run) {
  if (!Number.isFinite(run.best?.value)) return "";
  return ` · ${title(run.best.measure).toLowerCase()} ${fixed(run.best.value)}`;
}
