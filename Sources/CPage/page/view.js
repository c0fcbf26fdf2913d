/* What is set on the page, and the address that says it. */

import { store } from "./store.js";

const defaults = {
  view: "curves", runs: null, focus: null, "x-axis": "step", smoothing: 0, logarithmic: false,
  "log-x": false, robust: false, seeds: false, filter: "", sort: "", columns: "", tab: "",
  large: "", zoom: "", theme: "",
};

export const view = { ...defaults };
/* Directories that are folded; of this browser alone, as pinned colours are. */
export const folded = new Set(read("gru-dist-folded", []));
const colors = new Map(read("gru-dist-colors", []));
const listeners = new Set();

export const axes = ["step", "tokens", "seconds", "relative", "clock"];

function read(name, otherwise) {
  try {
    return JSON.parse(localStorage.getItem(name)) ?? otherwise;
  } catch {
    return otherwise;
  }
}

function keep(name, value) {
  try {
    localStorage.setItem(name, JSON.stringify(value));
  } catch {
    // A browser that keeps nothing shows the page all the same.
  }
}

/* Takes what an address says; anything else is as usual. */
export function readAddress(search) {
  const asks = new URLSearchParams(search);
  for (const [key, usual] of Object.entries(defaults)) {
    const text = asks.get(key);
    if (text === null) view[key] = usual;
    else if (key === "runs") view.runs = asks.getAll(key);
    else if (typeof usual === "boolean") view[key] = text === "true";
    else if (typeof usual === "number") view[key] = Number(text) || usual;
    else view[key] = text;
  }
  if (!axes.includes(view["x-axis"])) view["x-axis"] = "step";
  if (!["curves", "table"].includes(view.view)) view.view = "curves";
  view.smoothing = Math.min(0.98, Math.max(0, view.smoothing));
}

/* The address of what is set, without what is as usual. */
export function address() {
  const says = new URLSearchParams();
  for (const [key, usual] of Object.entries(defaults)) {
    const value = view[key];
    if (value === usual || value === null || value === "") continue;
    if (key === "runs") for (const name of value) says.append("runs", name);
    else says.set(key, String(value));
  }
  const text = says.toString();
  return text ? `?${text}` : location.pathname;
}

export const onChange = (listener) => listeners.add(listener);

/* Sets some of it; the address follows, and who listens is told. */
export function set(changes) {
  if (Object.entries(changes).every(([key, value]) => view[key] === value)) return;
  Object.assign(view, changes);
  history.replaceState(null, "", address());
  for (const listener of listeners) listener(Object.keys(changes));
}

export const zoomed = () => {
  const [low, high] = view.zoom.split("_").map(Number);
  return Number.isFinite(low) && high > low ? [low, high] : null;
};

const newestFirst = (a, b) =>
  (b.updated ?? b.started ?? b.checkpoint_time ?? 0)
  - (a.updated ?? a.started ?? a.checkpoint_time ?? 0);

/* The run that is in focus: the one that was asked for, or the newest. */
export function focus() {
  if (store.runs.has(view.focus)) return view.focus;
  const runs = store.names.map((name) => store.runs.get(name)).filter(Boolean);
  return runs.toSorted(newestFirst)[0]?.name ?? null;
}

/* Runs whose curves are shown, in the order of the list: those that were ticked, or else the
   focused one and the newest others of its task. */
export function ticked() {
  if (view.runs) {
    const asked = new Set(view.runs);
    return store.names.filter((name) => asked.has(name));
  }
  const first = store.runs.get(focus());
  if (!first) return [];
  const others = store.names.map((name) => store.runs.get(name)).filter((run) =>
    run && run.name !== first.name && run.task?.name === first.task?.name
    && run.task?.loss_unit === first.task?.loss_unit);
  const chosen = new Set([first, ...others.toSorted(newestFirst).slice(0, 3)]
    .map((run) => run.name));
  return store.names.filter((name) => chosen.has(name));
}

export function tick(names, isOn) {
  const now = new Set(ticked());
  for (const name of names) if (isOn) now.add(name); else now.delete(name);
  set({ runs: store.names.filter((name) => now.has(name)) });
}

export const colorCount = 8;
export const colorNames = ["blue", "orange", "green", "violet", "pink", "teal", "ochre", "grey"];

/* A run's colour, which it keeps: the one that fewest of those shown have. */
export function colorOf(name) {
  const key = `${store.directory}\n${name}`;
  if (!colors.has(key)) {
    const counts = Array(colorCount).fill(0);
    for (const other of ticked()) {
      const color = colors.get(`${store.directory}\n${other}`);
      if (color !== undefined) counts[color] += 1;
    }
    if (!ticked().includes(name)) return colorCount - 1;
    pin(name, counts.indexOf(Math.min(...counts)));
  }
  return colors.get(key);
}

export function pin(name, color) {
  colors.set(`${store.directory}\n${name}`, color);
  while (colors.size > 2000) colors.delete(colors.keys().next().value);
  keep("gru-dist-colors", [...colors]);
}

export function fold(path, isFolded) {
  if (isFolded) folded.add(path); else folded.delete(path);
  keep("gru-dist-folded", [...folded]);
}
