/* How long the ranks of the run in focus take for a step, and for what; of several ranks only. */

import { byId, keyed, make, setAttribute, setHidden, setText } from "./dom.js";
import { store } from "./store.js";
import { focus } from "./view.js";

const parts = [["computing", "part-compute"], ["waiting for the exchange", "part-exchange"],
  ["filling the batch", "part-data"]];

export function drawRanks(groups) {
  const detail = store.details.get(focus());
  const ranks = (detail?.ranks ?? []).filter((rank) => rank.mean_step_seconds > 0);
  const box = byId("ranks");
  setHidden(box, groups.length === 0 || ranks.length < 2);
  if (box.hidden) return;
  const longest = Math.max(...ranks.map((rank) => rank.mean_step_seconds));
  keyed(byId("rank-bars"), ranks, (rank) => rank.rank, makeBar, (bar, rank) => {
    const [exchange, data] = [rank.mean_exchange_seconds ?? 0, rank.mean_data_seconds ?? 0];
    const values = [Math.max(0, rank.mean_step_seconds - exchange - data), exchange, data];
    setText(bar.children[0], `${rank.rank}  ${rank.host}`);
    setAttribute(bar.children[0], "title", `rank ${rank.rank} on ${rank.host}`);
    values.forEach((value, index) => {
      const piece = bar.children[1].children[index];
      piece.style.width = `${100 * value / longest}%`;
      setAttribute(piece, "title", `${parts[index][0]}: ${milliseconds(value)}`);
    });
    setText(bar.children[2], milliseconds(rank.mean_step_seconds));
  });
}

const milliseconds = (seconds) => `${(1000 * seconds).toFixed(1)} ms`;

function makeBar() {
  return make("div", { class: "bar" }, make("span", { class: "name" }),
    make("span", { class: "track" }, ...parts.map(([, name]) => make("i", { class: name }))),
    make("span", { class: "value" }));
}
