/* Elements that are made once and changed where something has changed, so that focus, selection,
   scroll positions and what is under the pointer stay. */

export const byId = (id) => document.getElementById(id);

function apply(element, properties) {
  for (const [key, value] of Object.entries(properties)) {
    if (key.startsWith("on")) element[key] = value;
    else if (key === "class") setAttribute(element, "class", value);
    else if (key === "hidden" || key === "checked" || key === "disabled") element[key] = value;
    else if (value === null || value === undefined || value === false) element.removeAttribute(key);
    else element.setAttribute(key, value === true ? "" : String(value));
  }
}

/* An element with attributes (on... are handlers) and children: elements or texts. */
export function make(name, properties = {}, ...children) {
  const element = document.createElement(name);
  apply(element, properties);
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/* The same in a drawing. */
export function draw(name, properties = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  apply(element, properties);
  element.append(...children);
  return element;
}

/* Sets the text of an element that holds nothing else. */
export function setText(element, text) {
  const value = String(text);
  if (element.textContent !== value) element.textContent = value;
}

export function setAttribute(element, name, value) {
  if (value === null || value === undefined || value === false) {
    if (element.hasAttribute(name)) element.removeAttribute(name);
  } else {
    const text = value === true ? "" : String(value);
    if (element.getAttribute(name) !== text) element.setAttribute(name, text);
  }
}

export function setHidden(element, isHidden) {
  if (element.hidden !== isHidden) element.hidden = isHidden;
}

/* Gives `parent` a child for each item: those of known keys stay where they are or move, others
   are made, and those of no item go. */
export function keyed(parent, items, keyOf, create, update = () => {}) {
  const known = new Map();
  const wanted = new Set(items.map(keyOf));
  for (const child of [...parent.children]) {
    if (wanted.has(child.keyOfItem)) known.set(child.keyOfItem, child);
    else child.remove();
  }
  let next = parent.firstElementChild;
  for (const item of items) {
    const key = keyOf(item);
    let child = known.get(key);
    if (!child) {
      child = create(item);
      child.keyOfItem = key;
    }
    update(child, item);
    if (child === next) next = next.nextElementSibling;
    else parent.insertBefore(child, next);
  }
}

/* Fills `parent` by `fill` again only where `sign` is another one than the last time. */
export function whenChanged(parent, sign, fill) {
  const text = typeof sign === "string" ? sign : JSON.stringify(sign);
  if (parent.signOfContent === text) return false;
  parent.signOfContent = text;
  fill(parent);
  return true;
}

/* The same with texts alone, whose rows stay while their keys do. */
export function showTable(box, heads, rows, label, keyOf = (_, index) => index) {
  whenChanged(box, ["table", heads], () => box.replaceChildren(table(heads, [], label)));
  const items = rows.map((cells, index) => ({ cells, key: `row ${keyOf(cells, index)}` }));
  const kinds = heads.map((_, index) => numberClass(rows, index));
  [...box.querySelectorAll("th")].forEach((head, index) =>
    setAttribute(head, "class", kinds[index]));
  keyed(box.querySelector("tbody"), items, ({ key }) => key, () => make("tr"), (row, { cells }) => {
    while (row.children.length < cells.length) row.append(make("td"));
    cells.forEach((text, index) => {
      setText(row.children[index], text ?? "–");
      setAttribute(row.children[index], "class", kinds[index]);
    });
  });
}

/* A column of numbers, with dashes where there are none, is flush right. */
function numberClass(rows, index) {
  const texts = rows.map((cells) => cells[index]).filter((text) => (text ?? "–") !== "–");
  return texts.length > 0 && texts.every(isNumber) ? "number" : null;
}

/* A table of heads and rows of texts or elements, in a box that scrolls by itself. */
export function table(heads, rows, label) {
  const kinds = heads.map((_, index) => numberClass(rows, index));
  const head = make("tr", {}, ...heads.map((text, index) =>
    make("th", { scope: "col", class: kinds[index] }, text)));
  const body = rows.map((cells) => make("tr", {}, ...cells.map((cell, index) =>
    make("td", { class: kinds[index] }, cell ?? "–"))));
  return make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": label },
    make("table", {}, make("thead", {}, head), make("tbody", {}, ...body)));
}

const number = /^[−-]?[\d.,]+(e[−-]?\d+)?[kMG%]?$/;

export const isNumber = (cell) =>
  typeof cell === "number" || (typeof cell === "string" && number.test(cell));

/* Calls a function once in the next frame, however often it is asked for. */
export function coalesced(body) {
  let isAsked = false;
  return () => {
    if (isAsked) return;
    isAsked = true;
    requestAnimationFrame(() => {
      isAsked = false;
      body();
    });
  };
}
