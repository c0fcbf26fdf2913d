/* What a chart does under a pointer, a finger or the keyboard: the values at a place, zoom and
   moving to the side. */

import { draw, keyed, make, setAttribute, setHidden, setText } from "./dom.js";
import { clock, day, duration, grouped, precise } from "./format.js";
import { nearest } from "./series.js";
import { pannedBy, zoomedBy } from "./scale.js";
import { showSwatch, swatch } from "./swatch.js";

const tipEntries = 10;
const leastDrag = 6;

/* A value of the x axis in words. */
export function xText(kind, value) {
  if (kind === "duration") return duration(value);
  if (kind === "clock") {
    const date = new Date(1000 * value);
    return `${day(date)} ${clock(date)}:${String(date.getSeconds()).padStart(2, "0")}`;
  }
  return Number.isInteger(value) ? grouped(value) : precise(value);
}

export function follow(chart) {
  const { svg, tip, overlay } = chart;
  const cursor = draw("line", { class: "cursor" });
  const dots = draw("g");
  const brush = draw("rect", { class: "brush" });
  const list = make("div");
  const head = make("div", { class: "head" });
  tip.append(head, list);
  let target = null;
  let pointerY = null;
  let drag = null;

  function hide() {
    target = null;
    setHidden(tip, true);
    overlay.replaceChildren();
  }

  /* Shows what is at `target`, a value of the x axis. */
  function show() {
    const { place, drawn, spec } = chart;
    if (!place || target === null) return hide();
    const found = drawn.flatMap((line) => {
      const index = nearest(line.curve.xs, target);
      return index < 0 ? [] : [{ line, index, x: line.curve.xs[index], y: line.curve.ys[index] }];
    });
    if (found.length === 0) return hide();
    const at = found.reduce((best, { x }) =>
      Math.abs(x - target) < Math.abs(best - target) ? x : best, Infinity);
    const px = place.x(at);
    overlay.replaceChildren(cursor, dots);
    for (const [name, value] of Object.entries({ x1: px, x2: px, y1: place.box.top,
      y2: place.box.bottom })) cursor.setAttribute(name, value);
    const near = found.map((entry) => ({ ...entry, py: place.y(entry.y) }));
    const middle = pointerY ?? place.box.top;
    const sorted = near.toSorted((a, b) => Math.abs(a.py - middle) - Math.abs(b.py - middle));
    const chosen = new Set(sorted.slice(0, tipEntries));
    const listed = near.filter((entry) => chosen.has(entry)).toSorted((a, b) => a.py - b.py);
    setText(head, `${spec.xLabel ?? "step"} ${xText(spec.xKind, at)}`);
    const rest = near.length - listed.length;
    keyed(list, listed, ({ line }) => line.id,
      () => make("div", { class: "entry" }, swatch(), make("span"), make("b")),
      (row, entry) => fillEntry(row, entry, at, spec, pointerY !== null && entry === sorted[0]));
    list.dataset.rest = rest > 0 ? `and ${rest} more` : "";
    dots.replaceChildren(...listed.filter(({ x, py }) => Number.isFinite(py)
      && Math.abs(place.x(x) - px) < 12).map(({ line, x, py }) => {
      const dot = draw("circle", { cx: place.x(x), cy: py, r: 3.5, class: "dot" });
      dot.style.fill = line.color;
      return dot;
    }));
    setHidden(tip, false);
    placeTip(px);
  }

  function fillEntry(row, { line, index, x, y }, at, spec, isNearest) {
    showSwatch(row.children[0], line);
    setText(row.children[1], line.name);
    const { lows, highs } = line.curve;
    const span = lows ? ` (${precise(lows[index])} to ${precise(highs[index])})` : "";
    const place = x === at ? "" : ` at ${xText(spec.xKind, x)}`;
    setText(row.children[2], precise(y) + span + place);
    row.classList.toggle("nearest", isNearest);
  }

  /* Beside the cursor, and never beyond the chart. */
  function placeTip(px) {
    const [box, inner] = [chart.figure, svg].map((element) => element.getBoundingClientRect());
    const own = tip.offsetWidth;
    const at = inner.left - box.left + px;
    const left = at + 16 + own > box.width ? at - 16 - own : at + 16;
    tip.style.left = `${Math.max(4, left)}px`;
    tip.style.top = `${inner.top - box.top + 6}px`;
  }

  function pixelOf(event) {
    const box = svg.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  const bounded = (px) => Math.min(chart.place.box.right, Math.max(chart.place.box.left, px));
  const shownRange = () => [chart.place.x.low, chart.place.x.high];
  const zoom = (range) => chart.actions.zoom?.(range);

  svg.addEventListener("pointermove", (event) => {
    if (!chart.place) return;
    const [px, py] = pixelOf(event);
    if (drag) return moveDrag(px, event);
    pointerY = py;
    setAttribute(tip, "aria-live", "off");
    target = chart.place.x.invert(bounded(px));
    show();
  });
  svg.addEventListener("pointerleave", () => { if (!drag) hide(); });
  svg.addEventListener("blur", hide);

  svg.addEventListener("pointerdown", (event) => {
    // A finger moves the cursor; the page must still scroll under it.
    if (!chart.place || event.button !== 0 || event.pointerType === "touch") return;
    const [px] = pixelOf(event);
    if (!chart.actions.zoom || px < chart.place.box.left) return;
    drag = { start: bounded(px), range: shownRange(), isPan: event.shiftKey };
    svg.setPointerCapture(event.pointerId);
  });

  function moveDrag(px, event) {
    const { box, whole } = chart.place;
    if (drag.isPan) {
      const share = (drag.start - px) / (box.right - box.left);
      zoom(pannedBy(drag.range, share, whole, chart.spec.logX));
      return;
    }
    const [from, to] = [drag.start, bounded(px)].sort((a, b) => a - b);
    if (to - from < leastDrag) return brush.remove();
    setHidden(tip, true);
    for (const [name, value] of Object.entries({ x: from, width: to - from, y: box.top,
      height: box.bottom - box.top })) brush.setAttribute(name, value);
    overlay.replaceChildren(brush);
    event.preventDefault();
  }

  svg.addEventListener("pointerup", (event) => {
    if (!drag) return;
    const { start, isPan } = drag;
    drag = null;
    overlay.replaceChildren();
    const [from, to] = [start, bounded(pixelOf(event)[0])].sort((a, b) => a - b);
    if (isPan || to - from < leastDrag) return;
    zoom([chart.place.x.invert(from), chart.place.x.invert(to)]);
  });
  svg.addEventListener("pointercancel", () => { drag = null; overlay.replaceChildren(); });
  svg.addEventListener("dblclick", () => zoom(null));
  svg.addEventListener("wheel", (event) => {
    if (!chart.place || !chart.actions.zoom || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    zoomAround(chart.place.x.invert(bounded(pixelOf(event)[0])), event.deltaY > 0 ? 1.25 : 0.8);
  }, { passive: false });

  function zoomAround(middle, factor) {
    zoom(zoomedBy(shownRange(), factor, middle, chart.place.whole, chart.spec.logX));
  }

  /* The next value of any curve to either side. */
  function neighbour(direction) {
    const { low, high } = chart.place.x;
    const from = target ?? (direction > 0 ? low - 1e-9 : high + 1e-9);
    let best = null;
    for (const { curve } of chart.drawn) {
      for (const x of curve.xs) {
        if (x < low || x > high || (x - from) * direction <= 0) continue;
        if (best === null || (x - best) * direction < 0) best = x;
      }
    }
    return best ?? target;
  }

  svg.addEventListener("keydown", (event) => {
    if (!chart.place || event.ctrlKey || event.metaKey || event.altKey) return;
    const { key, shiftKey } = event;
    const range = shownRange();
    if (shiftKey && (key === "ArrowLeft" || key === "ArrowRight")) {
      zoom(pannedBy(range, key === "ArrowLeft" ? -0.25 : 0.25, chart.place.whole,
        chart.spec.logX));
    } else if (key === "ArrowLeft" || key === "ArrowRight") {
      pointerY = null;
      setAttribute(tip, "aria-live", "polite");
      target = neighbour(key === "ArrowLeft" ? -1 : 1);
      show();
    } else if (key === "+" || key === "=" || key === "-") {
      zoomAround(target ?? (range[0] + range[1]) / 2, key === "-" ? 1.25 : 0.8);
    } else if (key === "0") zoom(null);
    else if (key === "Escape" && target !== null) hide();
    else return;
    event.preventDefault();
  });

  chart.refollow = () => {
    if (drag) return;
    if (target !== null) show();
  };
}
