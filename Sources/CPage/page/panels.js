/* What stands below the charts of the run in focus: a tab for each kind of thing. */

import { byId, keyed, make, setAttribute, setText, showTable, whenChanged } from "./dom.js";
import { drawResults } from "./results.js";
import { age, bytes, grouped, moment, valueText } from "./format.js";
import { now, store } from "./store.js";
import { focus, set, view } from "./view.js";

const panels = {
  Results: drawResults, Samples: drawSamples, Config: drawConfig, Checkpoints: drawCheckpoints,
  Processes: drawProcesses, Daemon: drawDaemon, Events: drawEvents, Download: drawDownload,
};
/* What addresses of earlier pages call them. */
const former = { Ranks: "Processes" };

/* Tabs that have something to show of a run. */
function tabsOf(detail) {
  return Object.keys(panels).filter((name) => {
    if (name === "Daemon") return detail?.daemon;
    if (name === "Samples") return detail?.samples.length > 0
      || (detail?.config?.task ?? "language") === "language";
    return true;
  });
}

const panelOf = new Map();

export function drawPanels() {
  const name = focus();
  const detail = store.details.get(name);
  const names = tabsOf(detail);
  const asked = former[view.tab] ?? view.tab;
  const open = names.includes(asked) ? asked : names[0];
  keyed(byId("tabs"), names, (tab) => tab, (tab) => make("button", { type: "button", role: "tab",
    id: `tab-${tab}`, "aria-controls": "panel", onclick: () => set({ tab }) }, tab),
  (button, tab) => {
    setAttribute(button, "aria-selected", String(tab === open));
    setAttribute(button, "tabindex", tab === open ? 0 : -1);
  });
  setAttribute(byId("panel"), "aria-labelledby", `tab-${open}`);
  // Every panel of every run stays as it was left.
  const key = detail ? `${open} ${name}` : "";
  if (!panelOf.has(key)) panelOf.set(key, make("div", {}));
  const box = panelOf.get(key);
  if (byId("panel").firstElementChild !== box) byId("panel").replaceChildren(box);
  if (panelOf.size > 60) panelOf.delete(panelOf.keys().next().value);
  if (detail) panels[open](box, detail, store.runs.get(name));
  else whenChanged(box, "reading", () => box.replaceChildren(quiet("Reading this run …")));
}

/* Arrow keys go from tab to tab. */
export function watchTabs() {
  byId("tabs").addEventListener("keydown", (event) => {
    const buttons = [...byId("tabs").children];
    const place = buttons.indexOf(document.activeElement);
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (place < 0 || !step) return;
    const next = buttons[(place + step + buttons.length) % buttons.length];
    next.focus();
    next.click();
    event.preventDefault();
  });
}

const quiet = (text) => make("p", { class: "quiet" }, text);

function drawSamples(box, detail) {
  const samples = detail.samples.toReversed().slice(0, 20);
  if (samples.length === 0) {
    return whenChanged(box, "none", () => box.replaceChildren(quiet("No samples: "
      + "run.sample_length in the config draws that many tokens after each validation.")));
  }
  whenChanged(box, "some", () => box.replaceChildren());
  keyed(box, samples, ({ step }) => step, ({ step, text }) => make("div", { class: "sample" },
    make("span", {}, `step ${grouped(step)}`), make("pre", { tabindex: "0" }, text)));
}

function drawConfig(box, detail) {
  const text = detail.config ? JSON.stringify(detail.config, null, 2)
    : `No config.json can be read in ${detail.summary.path}.`;
  whenChanged(box, text, () => box.replaceChildren(make("pre", { tabindex: "0" }, text)));
}

function fill(box, heads, rows, label, none, keyOf) {
  if (rows.length > 0) return showTable(box, heads, rows, label, keyOf);
  whenChanged(box, none, () => box.replaceChildren(quiet(none)));
}

function drawCheckpoints(box, detail, run) {
  fill(box, ["Step", "Name", "Size", "Written", ""], (detail.checkpoints ?? []).map((point) => [
    grouped(point.step ?? NaN), point.name, bytes(point.bytes), moment(point.time),
    !point.is_complete ? "not whole" : point.is_best ? "best validation" : ""]), "Checkpoints",
  `No checkpoint is in ${run.path}/checkpoints yet.`, (cells) => cells[1]);
}

function drawProcesses(box, detail, run) {
  const milliseconds = (value) => (value ? `${(1000 * value).toFixed(1)} ms` : "–");
  const isOne = (detail.ranks ?? []).length < 2;
  const heads = ["Rank", "Host", "Process", "Step", "Doing", "Step time", "Exchange", "Last sign"];
  const rows = (detail.ranks ?? []).map((rank) => [rank.rank, rank.host, String(rank.pid),
    grouped(rank.step), rank.exit_status === null ? rank.activity
      : `ended with status ${rank.exit_status}`, milliseconds(rank.mean_step_seconds),
    milliseconds(rank.mean_exchange_seconds), moment(rank.time)]);
  const kept = heads.map((_, index) => index).filter((index) =>
    !isOne || !["Rank", "Exchange"].includes(heads[index]));
  fill(box, kept.map((index) => heads[index]), rows.map((row) => kept.map((index) => row[index])),
    "Processes", `No process has told of itself in ${run.path}/ranks.`);
}

function drawDaemon(box, detail, run) {
  const daemon = detail.daemon;
  if (!daemon) return;
  whenChanged(box, "daemon", () => box.replaceChildren(make("dl", { class: "facts" }),
    make("h3", {}, "Attempts"), make("div"), make("h3", {}, "Command"), make("pre")));
  const [facts, , attempts, , command] = box.children;
  const state = run.daemon_is_silent ? "silent" : daemon.state.replace("_", " ");
  const entries = [["State", `${state} since ${moment(daemon.updated)}`],
    ["Attempts", `${daemon.attempts}, the last ${daemon.failures} of them without a new `
      + "checkpoint"],
    ["Ranks wanted", daemon.ranks_wanted],
    ["Hosts that do not answer", (daemon.hosts_gone ?? []).join(", ") || "none"],
    ["Newest checkpoint", run.checkpoint_time
      ? `step ${grouped(run.checkpoint_step)}, ${age(now() - run.checkpoint_time)} ago` : "none"],
    ["Logs", `${run.path}/daemon.log, ${run.path}/job.log`]];
  if (daemon.state === "running") entries[0][1] = state;
  keyed(facts, entries, ([name]) => name, ([name]) => make("div", {}, make("dt", {}, name),
    make("dd")), (row, [, value]) => setText(row.lastChild, value));
  fill(attempts, ["Attempt", "Started", "Took", "Ranks", "From step", "To step", "Checkpoint",
    "Ended"], (daemon.history ?? []).toReversed().map((each) => [each.attempt,
    moment(each.started), age(each.ended - each.started), each.ranks, grouped(each.start_step),
    grouped(each.last_step), grouped(each.checkpoint_step), each.outcome]), "Attempts",
  "The first attempt is under way.", ([attempt]) => attempt);
  setText(command, (daemon.command ?? []).join(" "));
}

function drawEvents(box, detail) {
  const seen = new Map();
  fill(box, ["Step", "Kind", "What"], detail.events.toReversed().map((event) => {
    const { kind, step, event: name, ...rest } = event;
    return [grouped(step ?? NaN), (name ?? kind).replaceAll("_", " "),
      Object.entries(rest).map(([key, value]) => `${key.replaceAll("_", " ")} `
        + `${valueText(value)}`).join(", ")];
  }), "Events", "No events.", (cells) => {
    // Equal ones are told apart by their number.
    const text = cells.join(" ");
    seen.set(text, (seen.get(text) ?? 0) + 1);
    return `${text} ${seen.get(text)}`;
  });
}

function drawDownload(box, detail) {
  const name = encodeURIComponent(detail.summary.name);
  const links = [["train", "train.csv", "records of training as a table"],
    ["valid", "valid.csv", "validations as a table"]].map(([kind, file, words]) =>
    [`api/metrics.csv?name=${name}&kind=${kind}`, file, words]).concat([
    [`api/run?name=${name}`, "run.json", "all that this page knows of the run"],
    ["metrics", null, "figures of all runs for Prometheus"]]);
  whenChanged(box, links, () => box.replaceChildren(...links.map(([href, download, words]) =>
    make("p", {}, make("a", { href, download }, download ?? "metrics"), ` ${words}`)), quiet(
    `The files are in ${detail.summary.path}; gru-dist metrics prints the same tables.`)));
}
