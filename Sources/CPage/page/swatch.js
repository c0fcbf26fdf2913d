/* A short piece of a line, or of a band, as legends have it. */

import { draw, setAttribute } from "./dom.js";

export function swatch() {
  return draw("svg", { class: "swatch", viewBox: "0 0 18 8", "aria-hidden": "true" },
    draw("line", { x1: 0, x2: 18, y1: 4, y2: 4 }));
}

export function showSwatch(element, line) {
  const piece = element.firstChild;
  piece.style.stroke = line.color;
  setAttribute(piece, "class", line.isBand ? "broad" : null);
  setAttribute(piece, "stroke-dasharray", line.dash ?? null);
}
