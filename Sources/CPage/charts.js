"use strict";
/* Line and bar charts as SVG. A series is {name, color, points, raw, dashed, dots}, its points [x, y]
   pairs in the order of x. */

const margin = { left: 52, right: 12, top: 8, bottom: 22 };

function element(name, attributes = {}, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

/* Numbers as people read them: 1.53M, 24.6k, 0.0021. */
function readable(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size >= 1e9) return trimmed(value / 1e9, 2) + "G";
  if (size >= 1e6) return trimmed(value / 1e6, 2) + "M";
  if (size >= 1e4) return trimmed(value / 1e3, 1) + "k";
  if (size >= 100 || size === 0) return trimmed(value, 1);
  if (size >= 0.01) return trimmed(value, size >= 10 ? 2 : 4);
  if (size >= 0.0005) return trimmed(value, 5);
  return value.toExponential(1).replace("e-", "e−");
}

function trimmed(value, digits) {
  const text = value.toFixed(digits);
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

function duration(seconds) {
  if (!Number.isFinite(seconds)) return "–";
  const whole = Math.round(seconds);
  const two = (number) => String(number).padStart(2, "0");
  if (whole < 3600) return `${Math.floor(whole / 60)}:${two(whole % 60)}`;
  return `${Math.floor(whole / 3600)}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
}

/* Round numbers that divide a range into about `count` parts. */
function ticks(low, high, count) {
  const rough = (high - low) / count || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((s) => s >= rough);
  const result = [];
  for (let value = Math.ceil(low / step) * step; value <= high + step * 1e-9; value += step) {
    result.push(Math.abs(value) < step * 1e-9 ? 0 : value);
  }
  return result;
}

/* As ticks, at whole minutes and hours where the range is that long. */
function timeTicks(low, high, count) {
  const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200];
  const step = steps.find((seconds) => seconds >= (high - low) / count);
  if (!step) return ticks(low, high, count);
  const result = [];
  for (let value = Math.ceil(low / step) * step; value <= high; value += step) result.push(value);
  return result;
}

function logTicks(low, high) {
  const result = [];
  const factors = high / low > 300 ? [1] : high / low > 20 ? [1, 3] : [1, 1.5, 2, 3, 5, 7];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power += 1) {
    for (const factor of factors) {
      const value = factor * 10 ** power;
      if (value >= low && value <= high) result.push(value);
    }
  }
  return result.length > 1 ? result : ticks(low, high, 4);
}

/* The running mean by which a curve is smoothed, freed from its start at zero. */
function smoothed(points, weight) {
  let mean = 0;
  let share = 0;
  return points.map(([x, y]) => {
    mean = weight * mean + (1 - weight) * y;
    share = weight * share + (1 - weight);
    return [x, mean / share];
  });
}

/* Keeps the lowest and highest of what falls into one column of pixels. */
function thinned(points, columns) {
  if (points.length <= 2 * columns) return points;
  const size = points.length / columns;
  const kept = [];
  for (let column = 0; column < columns; column += 1) {
    const part = points.slice(Math.floor(column * size), Math.floor((column + 1) * size));
    let low = part[0];
    let high = part[0];
    for (const point of part) {
      if (point[1] < low[1]) low = point;
      if (point[1] > high[1]) high = point;
    }
    kept.push(...(low[0] <= high[0] ? [low, high] : [high, low]));
  }
  return kept;
}

function range(values, options) {
  let sorted = values.filter((value) => !options.logarithmic || value > 0).sort((a, b) => a - b);
  if (sorted.length === 0) return null;
  const cut = options.robust ? Math.floor(sorted.length * 0.02) : 0;
  let low = sorted[cut];
  let high = sorted[sorted.length - 1 - cut];
  if (options.fromZero) low = Math.min(0, low);
  if (low === high) {
    const room = Math.abs(low) * 0.1 || 1;
    return options.logarithmic ? [low / 1.2, high * 1.2] : [low - room, high + room];
  }
  if (options.logarithmic) return [low / (high / low) ** 0.04, high * (high / low) ** 0.04];
  const room = (high - low) * 0.05;
  return [options.fromZero && low === 0 ? 0 : low - room, high + room];
}

/* Draws into a figure that `makeFigure` made. Options: xFormat, logarithmic, robust, fromZero. */
function drawLines(figure, series, options) {
  const svg = figure.querySelector("svg");
  const width = figure.clientWidth - 24;
  const height = 210;
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.replaceChildren();
  const drawn = series.filter((line) => line.points.length > 0);
  figure.hidden = drawn.length === 0;
  if (figure.hidden) return;
  const solid = drawn.filter((line) => !line.raw);
  const xs = range(drawn.flatMap((line) => [line.points[0][0], line.points.at(-1)[0]]), {});
  const ys = range(solid.flatMap((line) => line.points.map((point) => point[1])), options);
  if (!ys) return;
  const isFlat = drawn.every((line) => line.points.length === 1);
  const [left, right] = isFlat ? xs : [Math.min(...drawn.map((l) => l.points[0][0])),
    Math.max(...drawn.map((l) => l.points.at(-1)[0]))];
  const scale = (value) => (options.logarithmic ? Math.log(Math.max(value, 1e-300)) : value);
  const x = (value) =>
    margin.left + ((value - left) / (right - left || 1)) * (width - margin.left - margin.right);
  const y = (value) =>
    height - margin.bottom - ((scale(value) - scale(ys[0])) / (scale(ys[1]) - scale(ys[0])))
      * (height - margin.top - margin.bottom);

  for (const value of options.logarithmic ? logTicks(...ys) : ticks(...ys, 4)) {
    svg.append(element("line", {
      class: "grid", x1: margin.left, x2: width - margin.right, y1: y(value), y2: y(value) }));
    svg.append(element("text", {
      x: margin.left - 7, y: y(value) + 4, "text-anchor": "end" }, readable(value)));
  }
  const xTicks = options.xFormat === duration ? timeTicks : ticks;
  for (const value of xTicks(left, right, Math.max(2, Math.floor(width / 60)))) {
    const anchor = x(value) > width - 30 ? "end" : "middle";
    svg.append(element("text", {
      x: x(value), y: height - 5, "text-anchor": anchor }, options.xFormat(value)));
  }
  svg.append(element("line", {
    class: "axis", x1: margin.left, x2: width - margin.right,
    y1: height - margin.bottom, y2: height - margin.bottom }));

  const clip = (value) => Math.min(height - margin.bottom, Math.max(margin.top - 6, value));
  for (const line of drawn) {
    const points = thinned(line.points, width).map((p) => [x(p[0]), clip(y(p[1]))]);
    const path = points.map((p, i) => `${i ? "L" : "M"}${p[0].toFixed(1)} ${p[1].toFixed(1)}`);
    const kind = [line.raw && "raw", line.dashed && "dashed"].filter(Boolean).join(" ");
    svg.append(element("path", { d: path.join(""), stroke: line.color, class: kind }));
    if (line.dots && points.length <= 80 || points.length === 1) {
      for (const point of points) {
        svg.append(element("circle", { cx: point[0], cy: point[1], r: 2.6, fill: line.color }));
      }
    }
  }
  follow(figure, svg, solid, { x, left, right, width, height, xFormat: options.xFormat });
}

/* A line under the pointer with the values of all series there. */
function follow(figure, svg, series, place) {
  const cursor = element("line", {
    class: "cursor", y1: margin.top, y2: place.height - margin.bottom });
  cursor.style.visibility = "hidden";
  svg.append(cursor);
  const tip = figure.querySelector(".tip");
  tip.hidden = true;
  svg.onpointerleave = () => {
    tip.hidden = true;
    cursor.style.visibility = "hidden";
  };
  svg.onpointermove = (event) => {
    const box = svg.getBoundingClientRect();
    const pixels = place.width - margin.left - margin.right;
    const share = (event.clientX - box.left - margin.left) / pixels;
    const target = place.left + share * (place.right - place.left);
    const found = series.map((line) => [line, nearest(line.points, target)]);
    const at = found.reduce((best, [, p]) =>
      Math.abs(p[0] - target) < Math.abs(best - target) ? p[0] : best, Infinity);
    cursor.setAttribute("x1", place.x(at));
    cursor.setAttribute("x2", place.x(at));
    cursor.style.visibility = "visible";
    const rows = found.map(([line, point]) => {
      const row = document.createElement("div");
      const key = document.createElement("span");
      key.className = "key";
      key.style.background = line.color;
      row.append(key, `${line.name}  ${point[1].toPrecision(5)}  at ${place.xFormat(point[0])}`);
      return row;
    });
    tip.replaceChildren(...rows);
    tip.hidden = false;
    const middle = place.x(at) > place.width / 2;
    tip.style.left = middle ? "auto" : `${place.x(at) + 22}px`;
    tip.style.right = middle ? `${place.width - place.x(at) + 22}px` : "auto";
    tip.style.top = "34px";
  };
}

function nearest(points, target) {
  let low = 0;
  let high = points.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (points[middle][0] < target) low = middle; else high = middle;
  }
  return Math.abs(points[low][0] - target) <= Math.abs(points[high][0] - target)
    ? points[low] : points[high];
}

/* Bars in groups: {label, parts: [{name, value, color, opacity}]} stacked from the left. */
function drawBars(figure, bars, format) {
  const svg = figure.querySelector("svg");
  const width = figure.clientWidth - 24;
  figure.hidden = bars.length === 0;
  if (figure.hidden) return;
  const row = Math.min(26, Math.max(12, 190 / bars.length));
  const height = Math.max(210, bars.length * row + 20);
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.style.height = `${height}px`;
  svg.replaceChildren();
  const total = (bar) => bar.parts.reduce((sum, part) => sum + part.value, 0);
  const longest = Math.max(...bars.map(total)) || 1;
  const start = 150;
  bars.forEach((bar, index) => {
    const top = index * row + 6;
    svg.append(element("text", { x: start - 8, y: top + row / 2 + 1, "text-anchor": "end" },
      bar.label.length > 22 ? `…${bar.label.slice(-21)}` : bar.label));
    let left = start;
    for (const part of bar.parts) {
      const length = (part.value / longest) * (width - start - 80);
      const box = element("rect", {
        x: left, y: top, width: Math.max(0, length), height: row - 7, rx: 2, fill: part.color,
        opacity: part.opacity });
      box.append(element("title", {}, `${part.name}: ${format(part.value)}`));
      svg.append(box);
      left += length;
    }
    svg.append(element("text", { x: left + 6, y: top + row / 2 + 1 }, format(total(bar))));
  });
}

/* Sets the words of a figure. */
function label(figure, title, unit) {
  figure.querySelector("small").textContent = unit;
  figure.querySelector("svg").setAttribute("aria-label", `${title}, ${unit}`);
}

function makeFigure(title, unit) {
  const figure = document.createElement("figure");
  const caption = document.createElement("figcaption");
  const small = document.createElement("small");
  small.textContent = unit;
  caption.append(title, small);
  const tip = document.createElement("div");
  tip.className = "tip";
  tip.hidden = true;
  figure.append(caption, element("svg", { role: "img", "aria-label": `${title}, ${unit}` }), tip);
  return figure;
}
