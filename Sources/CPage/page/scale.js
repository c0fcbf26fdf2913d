/* From values to pixels and back, linearly or by logarithms. */

export function scaleOf([low, high], [start, end], isLog) {
  const by = isLog ? Math.log : (value) => value;
  const back = isLog ? Math.exp : (value) => value;
  const [first, last] = [by(low), by(high)];
  const width = last - first || 1;
  const scale = (value) => start + (by(value) - first) / width * (end - start);
  scale.invert = (pixel) => back(first + (pixel - start) / (end - start || 1) * width);
  scale.low = low;
  scale.high = high;
  return scale;
}

/* The range that a factor around a point makes of another, kept within `whole`. */
export function zoomedBy([low, high], factor, middle, whole, isLog) {
  const by = isLog ? Math.log : (value) => value;
  const back = isLog ? Math.exp : (value) => value;
  const [a, b, m] = [by(low), by(high), by(middle)];
  const made = [back(m - (m - a) * factor), back(m + (b - m) * factor)];
  const [least, most] = [Math.max(whole[0], made[0]), Math.min(whole[1], made[1])];
  return least <= whole[0] && most >= whole[1] ? null : [least, most];
}

/* The range moved by a part of itself, kept within `whole`. */
export function pannedBy([low, high], share, whole, isLog) {
  const by = isLog ? Math.log : (value) => value;
  const back = isLog ? Math.exp : (value) => value;
  const [a, b] = [by(low), by(high)];
  const [least, most] = whole.map(by);
  const move = Math.min(most - b, Math.max(least - a, share * (b - a)));
  return [back(a + move), back(b + move)];
}
