/* Asks the server again and again, one request after the other. */

import { isStale, merged, signOf, store, takeRuns } from "./store.js";

const usualPause = 2000;
const patience = 30_000;
/* Details that are asked for before what is there is shown. */
const drawAfter = 250;

let wake = () => {};
let isAwake = false;

/* Has the next look come at once. */
export function lookSoon() {
  isAwake = true;
  wake();
}

async function load(path) {
  const response = await fetch(path, { signal: AbortSignal.timeout(patience) });
  if (!response.ok) {
    const text = (await response.text()).trim();
    throw new Error(`status ${response.status}${text ? `: ${text}` : ""}`);
  }
  return response.json();
}

function reasonOf(error) {
  if (error.name === "TimeoutError") return `no answer within ${patience / 1000} seconds`;
  return error.message === "Failed to fetch" || error.name === "TypeError"
    ? "the address does not answer" : error.message;
}

async function loadDetail(run) {
  const before = store.details.get(run.name);
  const since = before?.mark ? `&since=${encodeURIComponent(before.mark)}` : "";
  const answer = await load(`api/run?name=${encodeURIComponent(run.name)}${since}`);
  const detail = merged(before, answer);
  detail.signOfRun = signOf(run);
  store.details.set(run.name, detail);
}

/* Takes the list of runs, and what has changed of those that are shown. */
async function look(shown, draw) {
  const mark = store.mark ? `?since=${encodeURIComponent(store.mark)}` : "";
  takeRuns(await load(`api/runs${mark}`));
  store.connection = { state: "connected", since: Date.now(), reason: "" };
  draw();
  let drawn = Date.now();
  for (const name of shown()) {
    const run = store.runs.get(name);
    if (!run || !isStale(run, store.details.get(name))) continue;
    try {
      await loadDetail(run);
    } catch (error) {
      // A run may be gone since the list was made.
      if (!/^status 404/.test(error.message)) throw error;
    }
    if (Date.now() - drawn < drawAfter) continue;
    draw();
    drawn = Date.now();
  }
  draw();
}

function pause(milliseconds) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    wake = () => {
      clearTimeout(timer);
      resolve();
    };
    if (isAwake) wake();
  });
}

/* Looks for ever: more often while a file is not read to its end, less often while the server does
   not answer, and only when asked while nobody sees the page. */
export async function watch(shown, draw) {
  let failures = 0;
  for (;;) {
    isAwake = false;
    try {
      await look(shown, draw);
      failures = 0;
    } catch (error) {
      failures += 1;
      const before = store.connection;
      const since = before.state === "lost" ? before.since : Date.now();
      store.connection = { state: "lost", since, reason: reasonOf(error) };
      draw();
    }
    const isBehind = [...store.runs.values()].some((run) => run.is_behind);
    const wait = failures > 0 ? Math.min(30_000, usualPause * 2 ** (failures - 1))
      : isBehind ? 300 : usualPause;
    await pause(document.hidden ? 3_600_000 : wait);
  }
}
