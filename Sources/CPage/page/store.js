/* What the server has told, and how its answers are put together. */

export const store = {
  /* By name, what the list of runs says: a summary, with `config` and the config's leaves. */
  runs: new Map(),
  /* Names in the order of people. */
  names: [],
  tooDeep: [],
  directory: "",
  /* The server's clock at its last answer, less this one's: seconds. */
  clockOffset: 0,
  mark: null,
  /* By name, what is known of a run that is shown; `version` grows with every change. */
  details: new Map(),
  connection: { state: "loading", since: Date.now(), reason: "" },
};

const mostKept = { events: 200, samples: 100 };
const parts = ["config", "checkpoints", "daemon", "figures", "ranks"];

/* Values by dotted path. */
export function leaves(value, path = "", into = {}) {
  if (value !== null && typeof value === "object" && !Array.isArray(value)) {
    for (const key of Object.keys(value)) leaves(value[key], path ? `${path}.${key}` : key, into);
  } else if (path) into[path] = value;
  return into;
}

/* Takes the list of runs, of which an answer has what is new. */
export function takeRuns(answer, into = store) {
  if (answer.names) into.names = answer.names;
  if (answer.is_whole) into.runs = new Map([...into.runs].filter(([name]) =>
    answer.runs.some((run) => run.name === name)));
  for (const run of answer.runs) {
    const before = into.runs.get(run.name);
    const config = "config" in run ? run.config : before?.config ?? null;
    const flat = "config" in run ? leaves(run.config ?? {}) : before?.flat ?? {};
    into.runs.set(run.name, { ...run, config, flat });
  }
  const names = new Set(into.names);
  for (const name of into.runs.keys()) if (!names.has(name)) into.runs.delete(name);
  for (const name of into.details.keys()) if (!names.has(name)) into.details.delete(name);
  into.tooDeep = answer.too_deep ?? [];
  into.directory = answer.directory ?? into.directory;
  if (answer.time) into.clockOffset = answer.time - Date.now() / 1000;
  into.mark = answer.mark ?? null;
  return into;
}

/* An answer holds only what is new since the one before; `kept` says how much of that stays, and
   parts that are left out are as they were. */
export function merged(before, answer) {
  const kept = answer.kept ?? {};
  const detail = { ...answer, version: (before?.version ?? 0) + 1, cache: new Map() };
  for (const part of parts) if (!(part in answer)) detail[part] = before?.[part] ?? null;
  let isSame = before !== undefined;
  for (const kind of ["train", "valid"]) {
    const count = kept[kind] ?? 0;
    detail[kind] = {};
    for (const [name, values] of Object.entries(answer[kind])) {
      const known = before?.[kind][name] ?? [];
      if (values.length === 0 && known.length === count) {
        detail[kind][name] = known;
        continue;
      }
      isSame = false;
      const old = known.slice(0, count);
      while (old.length < count) old.push(null);
      detail[kind][name] = old.concat(values);
    }
  }
  for (const kind of ["events", "samples"]) {
    const old = kept[kind] > 0 ? before?.[kind] ?? [] : [];
    detail[kind] = old.concat(answer[kind]).slice(-mostKept[kind]);
  }
  // Curves that have not changed are not drawn again.
  if (isSame) [detail.version, detail.cache] = [before.version, before.cache];
  return detail;
}

/* Whether a run has told something new since its detail was read. */
export function isStale(run, detail) {
  return detail === undefined || detail.signOfRun !== signOf(run);
}

export const signOf = (run) => JSON.stringify([run.step, run.status, run.updated, run.started,
  run.validation_loss, run.metrics_bytes_read, run.metrics_bytes, run.checkpoint_time, run.daemon,
  run.restarts, run.problems]);

/* Seconds since 1970 by the server's clock. */
export const now = () => Date.now() / 1000 + store.clockOffset;

/* What is not shown of a run, or not yet. */
export function shortcomings(run) {
  const found = [];
  if (run.is_behind && run.metrics_bytes > 0) {
    const share = Math.floor(100 * run.metrics_bytes_read / run.metrics_bytes);
    found.push(share < 100 ? `reading, ${share} % done` : "reading");
  }
  if (run.damaged_lines === 1) found.push("1 damaged line left out");
  if (run.damaged_lines > 1) found.push(`${run.damaged_lines} damaged lines left out`);
  if (run.has_other_columns) found.push("has more columns than are shown");
  return found.concat(run.problems ?? []);
}
