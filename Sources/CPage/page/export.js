/* A chart as a file of its own: SVG with the colours of the page in it, or PNG made of that. */

import { draw } from "./dom.js";

const kept = ["fill", "stroke", "stroke-width", "stroke-dasharray", "stroke-linejoin", "opacity",
  "font-size", "font-family", "font-weight", "text-anchor"];
const rowHeight = 18;

/* The drawing with its styles as attributes, its title above and its legend below. */
export function standalone(chart) {
  const { svg, spec, drawn } = chart;
  const [, , width, height] = svg.getAttribute("viewBox").split(" ").map(Number);
  const copy = svg.cloneNode(true);
  copy.querySelector(".overlay")?.remove();
  copyStyles(svg, copy);
  const style = getComputedStyle(chart.figure);
  const named = drawn.length > 1 ? drawn : [];
  const total = 34 + height + named.length * rowHeight + 8;
  const text = (x, y, size, words, weight = 400) => draw("text", { x, y, fill: style.color,
    "font-size": size, "font-family": "sans-serif", "font-weight": weight }, words);
  copy.setAttribute("y", 30);
  copy.setAttribute("width", width);
  copy.setAttribute("height", height);
  copy.removeAttribute("tabindex");
  copy.removeAttribute("style");
  const legend = named.flatMap((line, index) => {
    const y = 34 + height + index * rowHeight + 10;
    const piece = draw("line", { x1: 12, x2: 30, y1: y - 4, y2: y - 4, "stroke-width": 2,
      stroke: resolved(chart.figure, line.color) });
    if (line.dash) piece.setAttribute("stroke-dasharray", line.dash);
    return [piece, text(38, y, 12, line.name)];
  });
  const title = spec.unit ? `${spec.title} (${spec.unit})` : spec.title;
  const whole = draw("svg", { xmlns: "http://www.w3.org/2000/svg", width, height: total,
    viewBox: `0 0 ${width} ${total}` },
    draw("rect", { width, height: total, fill: style.backgroundColor }),
    text(12, 20, 14, title, 600), copy, ...legend);
  return { text: new XMLSerializer().serializeToString(whole), width, height: total };
}

function resolved(element, color) {
  const match = /^var\((--[\w-]+)\)$/.exec(color);
  return match ? getComputedStyle(element).getPropertyValue(match[1]).trim() : color;
}

function copyStyles(from, to) {
  const style = getComputedStyle(from);
  for (const name of kept) {
    const value = style.getPropertyValue(name);
    if (value) to.setAttribute(name, value);
  }
  to.removeAttribute("class");
  to.removeAttribute("style");
  const [old, made] = [from.children, to.children];
  let place = 0;
  for (const child of old) {
    if (child.classList.contains("overlay")) continue;
    if (made[place]) copyStyles(child, made[place]);
    place += 1;
  }
}

/* Hands the file to the browser. */
export async function download(chart, kind) {
  if (!chart.place) return;
  const name = `${chart.spec.title.toLowerCase().replace(/[^\w]+/g, "-")}.${kind}`;
  const made = standalone(chart);
  const url = kind === "svg"
    ? URL.createObjectURL(new Blob([made.text], { type: "image/svg+xml" }))
    : await png(made);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/* Twice as many pixels as on the page, for print. */
async function png({ text, width, height }) {
  const image = new Image();
  const loaded = new Promise((resolve, reject) => {
    image.onload = resolve;
    image.onerror = () => reject(new Error("the browser does not draw the chart"));
  });
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
  await loaded;
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [2 * width, 2 * height];
  const context = canvas.getContext("2d");
  context.scale(2, 2);
  context.drawImage(image, 0, 0);
  return canvas.toDataURL("image/png");
}
