/* Curves out of columns: their points, smoothed, thinned, as a mean over runs, and what range they
   take. A curve is {xs, ys}, two arrays of numbers in the order of x. */

/* The x values of a kind of records; validations lie where the training step of the same number
   does. */
function abscissa(detail, kind, axis) {
  const own = detail[kind];
  if (axis === "step") return own.step ?? [];
  if (axis === "seconds") return own.training_seconds ?? [];
  if (axis === "clock") return own.time ?? [];
  if (axis === "relative") {
    const times = own.time ?? [];
    const firsts = [detail.train, detail.valid].map(({ time }) => time?.find(Number.isFinite));
    const start = Math.min(...firsts.filter(Number.isFinite));
    return times.map((time) => (time === null ? null : time - start));
  }
  if (kind === "train") return own.tokens ?? [];
  const [steps, tokens] = [detail.train.step ?? [], detail.train.tokens ?? []];
  let place = 0;
  return (own.step ?? []).map((step) => {
    while (place + 1 < steps.length && steps[place + 1] <= step) place += 1;
    return steps[place] > 0 && steps[place] <= step ? tokens[place] * step / steps[place] : null;
  });
}

/* The curve of a column of a run, or of values beside its records. */
export function curve(detail, kind, key, axis, values = null) {
  const name = `${kind} ${key} ${axis}`;
  if (detail.cache.has(name)) return detail.cache.get(name);
  const xs = abscissa(detail, kind, axis);
  const column = values ?? detail[kind][key] ?? [];
  const made = { xs: [], ys: [] };
  for (let index = 0; index < column.length; index += 1) {
    const [x, y] = [xs[index], column[index]];
    if (!Number.isFinite(x) || !Number.isFinite(y)) continue;
    made.xs.push(x);
    made.ys.push(y);
  }
  detail.cache.set(name, made);
  return made;
}

/* The running mean by which a curve is smoothed, freed from its start at zero. */
export function smoothed({ xs, ys }, weight) {
  let [mean, share] = [0, 0];
  return {
    xs, ys: ys.map((y) => {
      mean = weight * mean + (1 - weight) * y;
      share = weight * share + (1 - weight);
      return mean / share;
    }),
  };
}

/* The part of a curve that lies within a range of x, with a neighbour on either side. */
export function within({ xs, ys }, low, high) {
  if (xs.length === 0 || (xs[0] >= low && xs.at(-1) <= high)) return { xs, ys };
  const start = Math.max(0, lowerBound(xs, low) - 1);
  const end = Math.min(xs.length, lowerBound(xs, high) + 2);
  return { xs: xs.slice(start, end), ys: ys.slice(start, end) };
}

/* The first place whose value is not below `value`. */
export function lowerBound(xs, value) {
  let [low, high] = [0, xs.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (xs[middle] < value) low = middle + 1; else high = middle;
  }
  return low;
}

/* The place nearest to `value`; −1 of nothing. */
export function nearest(xs, value) {
  if (xs.length === 0) return -1;
  const place = Math.min(xs.length - 1, lowerBound(xs, value));
  return place > 0 && value - xs[place - 1] <= xs[place] - value ? place - 1 : place;
}

/* Of what falls into one column of pixels the first, the least, the greatest and the last stay. */
export function thinned({ xs, ys }, columnOf) {
  if (xs.length < 3) return { xs, ys };
  const kept = { xs: [], ys: [] };
  const take = (places) => {
    let last = -1;
    for (const place of places.sort((a, b) => a - b)) {
      if (place === last) continue;
      kept.xs.push(xs[place]);
      kept.ys.push(ys[place]);
      last = place;
    }
  };
  let start = 0;
  while (start < xs.length) {
    const column = columnOf(xs[start]);
    let [end, least, greatest] = [start + 1, start, start];
    while (end < xs.length && columnOf(xs[end]) === column) {
      if (ys[end] < ys[least]) least = end;
      if (ys[end] > ys[greatest]) greatest = end;
      end += 1;
    }
    take([start, least, greatest, end - 1]);
    start = end;
  }
  return kept;
}

/* The value of a curve between its points; not a number outside. */
export function at({ xs, ys }, x) {
  const place = lowerBound(xs, x);
  if (place === xs.length || (place === 0 && xs[0] !== x)) return NaN;
  if (xs[place] === x) return ys[place];
  const share = (x - xs[place - 1]) / (xs[place] - xs[place - 1]);
  return ys[place - 1] + share * (ys[place] - ys[place - 1]);
}

const mostSpread = 600;

/* The mean of several curves where they are, and their least and greatest values. */
export function spreadOf(curves) {
  const all = [...new Set(curves.flatMap((curve) => curve.xs))].sort((a, b) => a - b);
  const every = Math.max(1, Math.ceil(all.length / mostSpread));
  const xs = all.filter((_, index) => index % every === 0 || index === all.length - 1);
  const made = { xs: [], ys: [], lows: [], highs: [] };
  for (const x of xs) {
    const values = curves.map((curve) => at(curve, x)).filter(Number.isFinite);
    if (values.length === 0) continue;
    made.xs.push(x);
    made.ys.push(values.reduce((sum, value) => sum + value, 0) / values.length);
    made.lows.push(Math.min(...values));
    made.highs.push(Math.max(...values));
  }
  return made;
}

/* What range curves take on an axis, with some room: of all their values that lie between `left`
   and `right`, raw ones too. With `robust` a fiftieth is cut at either end. Null of nothing. */
export function rangeOf(curves, { left, right, isLog, robust, fromZero }) {
  const values = [];
  for (const { xs, ys, lows, highs } of curves) {
    for (let index = 0; index < xs.length; index += 1) {
      if (xs[index] < left || xs[index] > right) continue;
      for (const value of lows ? [lows[index], highs[index]] : [ys[index]]) {
        if (!isLog || value > 0) values.push(value);
      }
    }
  }
  if (values.length === 0) return null;
  let [low, high] = [Infinity, -Infinity];
  if (robust && values.length > 20) {
    const sorted = Float64Array.from(values).sort();
    const cut = Math.floor(sorted.length * 0.02);
    [low, high] = [sorted[cut], sorted[sorted.length - 1 - cut]];
  } else for (const value of values) [low, high] = [Math.min(low, value), Math.max(high, value)];
  if (fromZero && !isLog) [low, high] = [Math.min(0, low), Math.max(0, high)];
  return roomy(low, high, { isLog, fromZero });
}

function roomy(low, high, { isLog, fromZero }) {
  if (low === high) {
    const room = Math.abs(low) * 0.1 || 1;
    return isLog ? [low / 1.2, high * 1.2] : [fromZero && low === 0 ? 0 : low - room, high + room];
  }
  if (isLog) return [low / (high / low) ** 0.04, high * (high / low) ** 0.04];
  const room = (high - low) * 0.05;
  return [fromZero && low === 0 ? 0 : low - room, high + room];
}

/* From the first to the last x of all curves. */
export function extent(curves, isLog) {
  let [low, high] = [Infinity, -Infinity];
  for (const { xs } of curves) {
    const first = isLog ? xs.find((x) => x > 0) : xs[0];
    if (first === undefined) continue;
    [low, high] = [Math.min(low, first), Math.max(high, xs.at(-1))];
  }
  if (!(low <= high)) return null;
  return low === high ? [low - (isLog ? 0.1 * low : 0.5), high + (isLog ? 0.1 * high : 0.5)]
    : [low, high];
}
