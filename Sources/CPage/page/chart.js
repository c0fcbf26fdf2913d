/* A chart that is made once and changed with its curves. */

import { draw, keyed, make, setAttribute, setHidden, setText } from "./dom.js";
import { follow } from "./pointer.js";
import { download } from "./export.js";
import { scaleOf } from "./scale.js";
import { extent, rangeOf, thinned, within } from "./series.js";
import { showSwatch, swatch } from "./swatch.js";
import { axisTicks } from "./ticks.js";

const height = { small: 210, large: 460 };
const legendEntries = 9;
let count = 0;

/* Draws when it comes near the screen, and when it is as wide as it will be. */
const watcher = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    target.chart.isNear = isIntersecting;
    if (isIntersecting) target.chart.redraw();
  }
}, { rootMargin: "300px" });
const sizes = new ResizeObserver((entries) => {
  for (const { target } of entries) target.chart.redraw();
});

export class Chart {
  /* `actions`: zoom(range or null), enlarge(isLarge), pick(id of a line). */
  constructor(actions = {}) {
    this.actions = actions;
    this.id = `chart-${count += 1}`;
    this.isNear = false;
    this.spec = null;
    this.sign = "";
    this.plot = draw("g");
    this.clip = draw("rect", {});
    this.overlay = draw("g", { class: "overlay" });
    this.svg = draw("svg", { role: "application", "aria-roledescription": "chart", tabindex: "0",
      "aria-labelledby": `${this.id}-title`, "aria-describedby": `${this.id}-help` },
      draw("defs", {}, draw("clipPath", { id: `${this.id}-clip` }, this.clip)),
      this.plot, this.overlay);
    this.title = make("b", { id: `${this.id}-title` });
    this.unit = make("small", {});
    this.note = make("small", { class: "note" });
    this.tip = make("div", { class: "tip", hidden: true, "aria-live": "off" });
    this.legend = make("ul", { class: "legend" });
    this.buttons = this.makeButtons();
    this.figure = make("figure", {},
      make("figcaption", {}, make("span", { class: "words" }, this.title, " ", this.unit),
        this.buttons),
      this.svg, this.tip, this.legend, this.note,
      make("span", { class: "unseen", id: `${this.id}-help` },
        "Arrow keys move along the curves, plus and minus zoom, 0 shows all."));
    this.figure.chart = this;
    follow(this);
    watcher.observe(this.figure);
    sizes.observe(this.figure);
  }

  makeButtons() {
    const button = (text, label, onclick) =>
      make("button", { type: "button", class: "quiet", title: label, "aria-label": label, onclick },
        text);
    this.reset = button("Show all", "Show all of the x axis", () => this.actions.zoom?.(null));
    this.reset.hidden = true;
    this.size = button("⤢", "Show this chart large", () => this.actions.enlarge?.());
    setHidden(this.size, !this.actions.enlarge);
    return make("span", { class: "buttons" }, this.reset, this.size,
      button("SVG", "Download as SVG", () => download(this, "svg")),
      button("PNG", "Download as PNG", () => download(this, "png")));
  }

  /* `spec`: {title, unit, lines, xKind, xLabel, logX, logY, robust, fromZero, zoom, isLarge, sign}.
     A line is {id, name, color, dash, curve, raw, band, dots, isQuiet}; what `sign` leaves as it
     was is not drawn again. */
  update(spec) {
    this.spec = spec;
    setText(this.title, spec.title);
    setText(this.unit, spec.unit ?? "");
    setHidden(this.reset, !spec.zoom);
    if (this.actions.enlarge) {
      setText(this.size, spec.isLarge ? "⤡" : "⤢");
      const label = spec.isLarge ? "Show all charts" : "Show this chart large";
      setAttribute(this.size, "aria-label", label);
      setAttribute(this.size, "title", label);
    }
    this.figure.classList.toggle("large", spec.isLarge === true);
    this.redraw();
  }

  redraw() {
    const width = Math.round(this.svg.getBoundingClientRect().width);
    if (!this.spec || !this.isNear || width <= 0) return;
    const sign = `${this.spec.sign} ${width}`;
    if (sign === this.sign) return;
    this.sign = sign;
    this.drawAll(width);
  }

  drawAll(width) {
    const { spec } = this;
    const tall = spec.isLarge ? height.large : spec.height ?? height.small;
    setAttribute(this.svg, "viewBox", `0 0 ${width} ${tall}`);
    this.svg.style.height = `${tall}px`;
    const lines = spec.lines.filter((line) => line.curve.xs.length > 0);
    const curves = lines.flatMap((line) => [line.curve, line.raw].filter(Boolean));
    const whole = extent(curves, spec.logX);
    this.drawn = lines;
    if (!whole) return this.drawNothing(width, tall, lines.length > 0);
    const [left, right] = visible(spec.zoom, whole);
    const range = rangeOf(curves, { left, right, isLog: spec.logY, robust: spec.robust,
      fromZero: spec.fromZero });
    if (!range) return this.drawNothing(width, tall, true);
    const yMarks = axisTicks(spec.yKind ?? "number", ...range, tall / 50, spec.logY);
    const start = Math.max(34, 12 + 6.4 * Math.max(...yMarks.texts.map((text) => text.length)));
    const box = { left: start, right: width - 10, top: 8, bottom: tall - 24 };
    const x = scaleOf([left, right], [box.left, box.right], spec.logX);
    const y = scaleOf(range, [box.bottom, box.top], spec.logY);
    this.place = { box, x, y, whole, width, height: tall };
    this.drawAxes(yMarks, box, x, y);
    this.drawLines(lines, left, right, x, y);
    this.drawLegend(lines);
    this.sayHidden(curves);
    this.refollow?.();
  }

  drawNothing(width, tall, isHidden) {
    this.place = null;
    const text = isHidden ? "nothing above 0, which a logarithmic axis could show"
      : this.spec.nothing ?? "no numbers yet";
    this.plot.replaceChildren(draw("text", { x: width / 2, y: tall / 2, "text-anchor": "middle" },
      text));
    this.overlay.replaceChildren();
    setHidden(this.tip, true);
    this.drawLegend([]);
    setText(this.note, "");
  }

  drawAxes(yMarks, box, x, y) {
    const { spec } = this;
    // Dots at the edges are whole.
    for (const [name, value] of Object.entries({ x: box.left - 3, y: box.top - 4,
      width: box.right - box.left + 6, height: box.bottom - box.top + 7 })) {
      setAttribute(this.clip, name, value);
    }
    const parts = [];
    yMarks.values.forEach((value, index) => {
      const place = y(value);
      if (place < box.top - 1 || place > box.bottom + 1) return;
      parts.push(draw("line", { class: "grid", x1: box.left, x2: box.right, y1: place, y2: place }),
        draw("text", { x: box.left - 7, y: place + 4, "text-anchor": "end" }, yMarks.texts[index]));
    });
    const each = spec.xKind === "clock" ? 96 : 72;
    const room = Math.max(2, Math.floor((box.right - box.left) / each));
    const xMarks = axisTicks(spec.xKind ?? "whole", x.low, x.high, room, spec.logX);
    let free = -Infinity;
    xMarks.values.forEach((value, index) => {
      const text = xMarks.texts[index];
      const half = 3.2 * text.length;
      const place = Math.min(box.right - half + 8, Math.max(box.left + half - 30, x(value)));
      if (place - half < free) return;
      free = place + half + 8;
      parts.push(draw("line", { class: "mark", x1: x(value), x2: x(value), y1: box.bottom,
        y2: box.bottom + 4 }),
      draw("text", { x: place, y: box.bottom + 17, "text-anchor": "middle" }, text));
    });
    parts.push(draw("line", { class: "axis", x1: box.left, x2: box.right, y1: box.bottom,
      y2: box.bottom }));
    this.axes ??= draw("g");
    this.curves ??= draw("g", { "clip-path": `url(#${this.id}-clip)` });
    this.axes.replaceChildren(...parts);
    if (this.curves.parentNode !== this.plot) this.plot.replaceChildren(this.axes, this.curves);
  }

  drawLines(lines, left, right, x, y) {
    const pieces = [];
    for (const line of lines) {
      if (line.curve.lows) pieces.push(this.band(line, left, right, x, y));
      if (line.isBand) continue;
      if (line.raw) pieces.push(this.path(line.raw, { ...line, isRaw: true }, left, right, x, y));
      pieces.push(this.path(line.curve, line, left, right, x, y));
    }
    this.curves.replaceChildren(...pieces.flat());
  }

  path(curve, line, left, right, x, y) {
    const part = within(curve, left, right);
    const { xs, ys } = thinned(part, (value) => Math.floor(x(value)));
    let path = "";
    let isOpen = false;
    for (let index = 0; index < xs.length; index += 1) {
      const [px, py] = [x(xs[index]), y(ys[index])];
      // What a logarithmic axis has no place for is left out.
      if (!Number.isFinite(px) || !Number.isFinite(py)) { isOpen = false; continue; }
      path += `${isOpen ? "L" : "M"}${px.toFixed(1)} ${clamp(py).toFixed(1)}`;
      isOpen = true;
    }
    const kind = [line.isRaw && "raw", line.isQuiet && "base"].filter(Boolean).join(" ");
    const made = draw("path", { d: path, class: kind || null, "stroke-dasharray": line.dash ?? null,
      "data-line": line.id });
    made.style.stroke = line.color;
    if (line.isRaw || !(line.dots && xs.length <= 80 || xs.length === 1)) return [made];
    return [made, ...xs.map((value, index) => {
      const dot = draw("circle", { cx: x(value).toFixed(1), cy: clamp(y(ys[index])).toFixed(1),
        r: line.isQuiet ? 2 : 2.8, "data-line": line.id });
      dot.style.fill = line.color;
      return dot;
    }).filter((dot) => !dot.getAttribute("cy").includes("NaN"))];
  }

  band(line, left, right, x, y) {
    const side = (ys) => within({ xs: line.curve.xs, ys }, left, right);
    const [low, high] = [side(line.curve.lows), side(line.curve.highs)];
    const point = (px, value) =>
      `${x(px).toFixed(1)} ${clamp(y(Math.max(value, y.low > 0 ? 1e-300 : -Infinity))).toFixed(1)}`;
    const there = high.xs.map((px, index) => point(px, high.ys[index]));
    const back = low.xs.map((px, index) => point(px, low.ys[index])).reverse();
    const made = draw("path", { d: `M${[...there, ...back].join("L")}Z`, class: "band",
      "data-line": line.id });
    made.style.fill = line.color;
    return made;
  }

  drawLegend(lines) {
    const named = lines.length > 1 || lines[0]?.isNamed
      ? lines.toSorted((a, b) => Number(a.isQuiet ?? false) - Number(b.isQuiet ?? false)) : [];
    const most = this.spec.isLarge ? 60 : legendEntries;
    const more = named.length - most;
    const items = named.slice(0, most).map((line) => ({ ...line, key: line.id }));
    if (more > 0) items.push({ key: "more", name: `… and ${more} more`, color: "transparent" });
    keyed(this.legend, items, (item) => item.key, () => make("li", {}, swatch(), make("span")),
      (item, line) => {
        showSwatch(item.firstChild, line);
        setText(item.lastChild, line.name);
        item.onpointerenter = () => this.highlight(line.id);
        item.onpointerleave = () => this.highlight(null);
      });
  }

  /* Has one line stand out. */
  highlight(id) {
    for (const part of this.curves?.children ?? []) {
      part.classList.toggle("dim", id !== null && part.dataset.line !== id);
    }
  }

  sayHidden(curves) {
    const count = this.spec.logY
      ? curves.reduce((sum, { ys }) => sum + ys.filter((value) => value <= 0).length, 0) : 0;
    setText(this.note, count > 0 ? `${count} values of 0 or below have no place here` : "");
  }
}

/* Far outside of the picture drawings lose their precision. */
const clamp = (pixel) => Math.min(5000, Math.max(-5000, pixel));

function visible(zoom, whole) {
  if (!zoom) return whole;
  const [low, high] = [Math.max(whole[0], zoom[0]), Math.min(whole[1], zoom[1])];
  return low < high ? [low, high] : whole;
}
