"use strict";
/* What the server tells of the runs, and how its answers are put together. */

const state = {
  runs: [], tooDeep: [], details: new Map(), seen: new Map(), selected: new Set(), focus: null,
  tab: "Samples", colors: new Map(), known: new Set(),
};
const mostKept = { events: 200, samples: 100 };

/* An answer holds only what is new since the one before; `kept` says how much of that stays. */
function merged(before, answer) {
  const kept = answer.kept ?? {};
  const detail = { ...answer };
  if (!("config" in answer)) detail.config = before?.config;
  for (const kind of ["train", "valid"]) {
    const count = kept[kind] ?? 0;
    detail[kind] = {};
    for (const [name, values] of Object.entries(answer[kind])) {
      const old = (before?.[kind][name] ?? []).slice(0, count);
      while (old.length < count) old.push(null);
      detail[kind][name] = old.concat(values);
    }
  }
  for (const kind of ["events", "samples"]) {
    const old = kept[kind] > 0 ? before?.[kind] ?? [] : [];
    detail[kind] = old.concat(answer[kind]).slice(-mostKept[kind]);
  }
  return detail;
}

async function load(path) {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`${response.status} ${(await response.text()).trim()}`);
  return response.json();
}

async function loadDetail(run) {
  const before = state.details.get(run.name);
  const name = encodeURIComponent(run.name);
  const since = before?.mark ? `&since=${encodeURIComponent(before.mark)}` : "";
  const detail = merged(before, await load(`api/run?name=${name}${since}`));
  state.details.set(run.name, detail);
}

/* Takes the list of runs, and what has changed of those that are shown. */
async function loadRuns() {
  const answer = await load("api/runs");
  state.runs = answer.runs;
  state.tooDeep = answer.too_deep ?? [];
  for (const run of state.runs) {
    if (state.known.has(run.name)) continue;
    state.colors.set(run.name, state.known.size % 8);
    state.known.add(run.name);
    if (state.known.size <= 6) state.selected.add(run.name);
  }
  const newest = state.runs.toSorted((a, b) => (b.updated ?? 0) - (a.updated ?? 0))[0];
  if (!state.runs.some((run) => run.name === state.focus)) state.focus = newest?.name ?? null;
  await Promise.all(state.runs.map(async (run) => {
    if (!state.selected.has(run.name) && run.name !== state.focus) return;
    const mark = JSON.stringify([run.step, run.status, run.updated, run.validation_loss,
      run.metrics_bytes_read, run.metrics_bytes]);
    if (state.seen.get(run.name) === mark) return;
    await loadDetail(run);
    state.seen.set(run.name, mark);
  }));
}

/* What is not shown of a run, or not yet. */
function shortcomings(run) {
  const found = [];
  if (run.is_behind) {
    found.push(`reading, ${Math.floor(100 * run.metrics_bytes_read / run.metrics_bytes)} % done`);
  }
  if (run.damaged_lines > 0) found.push(`${run.damaged_lines} damaged lines`);
  if (run.has_other_columns) found.push("more columns than are shown");
  if (run.problem) found.push(run.problem);
  return found;
}

/* The line at the head of the page. */
function overview() {
  const parts = [`${state.runs.length} runs`,
    `${state.runs.filter((run) => run.status === "running").length} running`];
  if (state.tooDeep.length > 0) {
    parts.push(`${state.tooDeep.length} too deep to be shown, such as ${state.tooDeep[0]}`);
  }
  return parts.join(", ");
}

/* What runs say of their tasks: one word where they agree. Runs of old programs say nothing. */
const agreed = (runs, key, otherwise) =>
  [...new Set(runs.map((run) => run.task?.[key] ?? otherwise))].join(" or ") || otherwise;
const lossUnit = (runs) => agreed(runs, "loss_unit", "mean of all targets");
const speedUnit = (runs) => agreed(runs, "unit", "targets");
const capitalized = (text) => text.charAt(0).toUpperCase() + text.slice(1);
