/* Which runs are listed, in which order, and which differ by their seeds alone. */

const comparisons = {
  "!=": (a, b) => String(a) !== b,
  ">=": (a, b) => Number(a) >= Number(b),
  "<=": (a, b) => Number(a) <= Number(b),
  "=": (a, b) => String(a) === b || (b !== "" && Number(a) === Number(b)),
  ">": (a, b) => Number(a) > Number(b),
  "<": (a, b) => Number(a) < Number(b),
};

/* Results and places of a run by name, beside its config. */
export function fields(run) {
  return {
    name: run.name, status: run.status, task: run.task?.name ?? null, step: run.step,
    steps: run.steps, loss: run.loss, best: run.best?.value ?? null, owner: run.owner,
    host: run.host, ranks: run.ranks, daemon: run.daemon, restarts: run.restarts,
    speed: run.tokens_per_second, epoch: run.epoch, ...run.validation,
  };
}

/* The value of a run under a name or the end of one: "hidden" finds model.hidden. */
export function valueOf(run, key) {
  const own = fields(run);
  if (Object.hasOwn(own, key)) return own[key];
  if (Object.hasOwn(run.flat, key)) return run.flat[key];
  const found = Object.keys(run.flat).find((path) => path.endsWith(`.${key}`));
  return found ? run.flat[found] : undefined;
}

/* Words that all must hold: a part of the name, or key=value, key>1, key!=value. */
export function parseFilter(text) {
  return text.trim().split(/\s+/).filter(Boolean).map((word) => {
    const match = /^([\w.]+)(!=|>=|<=|=|>|<)(.*)$/.exec(word);
    if (!match) return (run) => run.name.toLowerCase().includes(word.toLowerCase());
    const [, key, sign, asked] = match;
    return (run) => {
      const value = valueOf(run, key);
      if (value === undefined || value === null) return sign === "!=" && asked !== "null";
      return comparisons[sign](value, asked);
    };
  });
}

export function filtered(runs, text) {
  const conditions = parseFilter(text);
  return runs.filter((run) => conditions.every((holds) => holds(run)));
}

/* Numbers by size, texts in the order of people; what is missing comes last either way. */
export function compareValues(a, b, isDescending) {
  const [noA, noB] = [a, b].map((value) =>
    value === undefined || value === null || Number.isNaN(value));
  if (noA || noB) return Number(noA) - Number(noB);
  const order = typeof a === "number" && typeof b === "number" ? a - b
    : String(a).localeCompare(String(b), "en", { numeric: true });
  return isDescending ? -order : order;
}

const ignored = new Set(["run.seed", "run.directory", "run.name"]);

/* Config keys in which some of the runs differ, in the order of their configs. */
export function differing(runs, except = ignored) {
  const keys = new Set(runs.flatMap((run) => Object.keys(run.flat)));
  return [...keys].filter((key) => {
    if (except.has(key)) return false;
    const values = new Set(runs.map((run) => JSON.stringify(run.flat[key] ?? null)));
    return values.size > 1;
  });
}

const signs = new WeakMap();

function signOfConfig(run) {
  if (!signs.has(run.flat)) {
    const equal = Object.entries(run.flat).filter(([key]) => !ignored.has(key));
    // Without a config nobody knows.
    signs.set(run.flat, equal.length === 0 ? `name ${run.name}`
      : JSON.stringify(equal.toSorted(([a], [b]) => (a < b ? -1 : 1))));
  }
  return signs.get(run.flat);
}

/* Runs whose configs are equal but for seed and directory, in the order of their first. */
export function bySeeds(runs) {
  const groups = new Map();
  for (const run of runs) {
    const key = signOfConfig(run);
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(run);
  }
  const all = [...groups.values()];
  const keys = differing(all.map((group) => group[0]));
  return all.map((group) => ({
    runs: group, name: groupName(group, keys), key: group[0].name,
  }));
}

function groupName(group, keys) {
  if (group.length === 1) return group[0].name;
  const values = keys.slice(0, 3).map((key) =>
    `${key.split(".").at(-1)} ${shown(group[0].flat[key])}`);
  const name = values.join(", ") || commonStart(group.map((run) => run.name));
  return `${name} (${group.length} seeds)`;
}

const shown = (value) => (typeof value === "string" ? value : JSON.stringify(value ?? null));

/* What all names begin with, without a number or sign that is cut at its end. */
function commonStart(names) {
  let length = 0;
  while (length < names[0].length && names.every((name) => name[length] === names[0][length])) {
    length += 1;
  }
  return names[0].slice(0, length).replace(/[-_/.\d]+$/, "") || names[0];
}

/* Mean, least and greatest of what is a number. */
export function spread(values) {
  const finite = values.filter(Number.isFinite);
  if (finite.length === 0) return null;
  const mean = finite.reduce((sum, value) => sum + value, 0) / finite.length;
  return { mean, low: Math.min(...finite), high: Math.max(...finite), count: finite.length };
}
