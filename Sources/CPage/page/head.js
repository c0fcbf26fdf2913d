/* What the run in focus is and how far it is. */

import { nameOf } from "./curves.js";
import { byId, keyed, make, setAttribute, setHidden, setText, whenChanged } from "./dom.js";
import { age, duration, fixed, grouped, plural, readable, capitalized } from "./format.js";
import { statusWord } from "./list.js";
import { lossUnit, measures, speedUnit, title, unit } from "./metrics.js";
import { now, shortcomings, store } from "./store.js";
import { focus } from "./view.js";

export function drawHead() {
  const run = store.runs.get(focus());
  setHidden(byId("head"), !run);
  if (!run) return;
  setText(byId("run-name"), nameOf(run));
  setAttribute(byId("run-name"), "title", run.path);
  const word = statusWord(run);
  setText(byId("run-status"), word);
  setAttribute(byId("run-status"), "class", `status ${word.replaceAll(" ", "-")}`);
  setText(byId("run-line"), lineOf(run));
  keyed(byId("cards"), cards(run), (card) => card[0], () =>
    make("div", { class: "card" }, make("span"), make("b"), make("small")),
  (card, texts) => texts.forEach((text, index) => setText(card.children[index], text)));
  whenChanged(byId("run-problems"), [advice(run)], (list) =>
    list.replaceChildren(...advice(run).map((words) => withCode(make("li"), words))));
  setHidden(byId("run-problems"), advice(run).length === 0);
}

/* Whose it is, where it runs, and since when there has been a checkpoint. */
function lineOf(run) {
  const task = run.task?.name;
  const ranks = run.ranks ? plural(run.ranks, "rank") : null;
  const threads = run.threads ? plural(run.threads, "thread") : null;
  const place = [run.owner, run.host].filter(Boolean).join(" on ");
  const age_ = Number.isFinite(run.updated) ? `last sign ${age(now() - run.updated)} ago` : null;
  return [task, run.model?.cell, place, ranks && threads ? `${ranks} × ${threads}` : ranks,
    run.status === "running" ? run.activity : age_].filter(Boolean).join(" · ");
}

/* [name, value, what it is]. */
function cards(run) {
  const made = [["Step", grouped(run.step ?? NaN), run.steps
    ? `of ${grouped(run.steps)}` + (run.epoch === null ? "" : `, epoch ${run.epoch}`) : ""]];
  const { measure, value, step } = run.best ?? {};
  if (Number.isFinite(value)) {
    made.push([measure === "loss" ? "Best loss" : `Best: ${title(measure)}`, fixed(value),
      `at step ${grouped(step)}`]);
  }
  // Not what says the loss once more.
  const others = measures(run).filter((name) => name !== measure
    && run.validation[name] !== run.validation.loss);
  for (const name of others.slice(0, 2)) {
    if (!Number.isFinite(run.validation[name])) continue;
    made.push([title(name), fixed(run.validation[name]), unit(name, run)]);
  }
  made.push(["Training loss", fixed(run.loss), lossUnit(run)]);
  if (run.status === "running") {
    // Runs of earlier versions do not say it.
    const left = run.remaining_seconds ?? (run.steps - run.step) * run.step_seconds;
    made.push(["Time left", duration(left), `${readable(run.tokens_per_second)} `
      + `${speedUnit(run)} per second`]);
  } else made.push([capitalized(speedUnit(run)), readable(run.tokens), "trained on"]);
  if (run.ranks > 1 && run.step_seconds > 0) {
    const share = 100 * run.exchange_seconds / run.step_seconds;
    made.push(["Exposed exchange", `${share.toFixed(1)} %`, "of a step"]);
  }
  if (run.checkpoint_step !== null && run.checkpoint_step !== undefined) {
    made.push(["Checkpoint", `${age(now() - run.checkpoint_time)} ago`,
      `step ${grouped(run.checkpoint_step)}, ${run.checkpoints} kept`]);
  }
  if (run.daemon) made.push(["Daemon", daemonWord(run), daemonNote(run)]);
  return made;
}

const daemonWord = (run) => (run.daemon_is_silent ? "silent" : run.daemon.replace("_", " "));
const daemonNote = (run) => `${plural(run.restarts ?? 0, "restart")}`
  + (run.daemon_failures > 0 ? `, ${plural(run.daemon_failures, "failure")} without progress` : "");

/* What is amiss and what may be done, with commands between grave accents. */
function advice(run) {
  const found = shortcomings(run);
  if (run.daemon === "gave_up") {
    found.push(`The daemon gave up. What the job printed last: \`tail ${run.path}/job.log\`; start `
      + "the same daemon again to go on.");
  } else if (run.daemon === "bad_config") {
    found.push(`The job refused its config or command line; why: \`tail ${run.path}/job.log\`.`);
  } else if (run.daemon_is_silent) {
    found.push("The daemon has told nothing for 30 seconds, and may be gone: "
      + `\`tail ${run.path}/daemon.log\`.`);
  }
  if (run.status === "failed") {
    const log = run.daemon ? ` Its last words: \`tail ${run.path}/job.log\`.` : "";
    found.push(`The run ended with an error.${log} With \`--resume\` it goes on from its newest `
      + "checkpoint.");
  }
  if (run.status === "silent" && !run.daemon) {
    found.push("The run has told nothing for 15 seconds. Whether its process lives: "
      + `\`gru-dist runs ${run.path}\`.`);
  }
  if (run.damaged_lines > 0) {
    found.push(`What else of it is damaged: \`gru-dist runs ${run.path} --verify\`.`);
  }
  if (run.metrics_bytes === 0 && run.status !== "running") {
    found.push(`No metrics are in ${run.path}; it was refused before its first step, or they are `
      + `elsewhere: \`gru-dist runs ${run.path}\`.`);
  }
  return found;
}

/* Text whose parts between grave accents are code. */
export function withCode(element, words) {
  element.append(...words.split("`").map((part, index) =>
    (index % 2 ? make("code", {}, part) : part)));
  return element;
}

function tooDeep(place) {
  const [first] = store.tooDeep;
  if (!first) return [];
  return [`${plural(store.tooDeep.length, "run")} lie too deep to be shown, such as ${first}: `
    + `\`gru-dist dashboard ${place}/${first.split("/")[0]}\``];
}

/* What the page says where there are no runs, or none can be heard of. */
export function drawState() {
  const { state, since, reason } = store.connection;
  const runs = [...store.runs.values()];
  const running = runs.filter((run) => run.status === "running").length;
  const gone = new Date(since);
  setText(byId("connection"), state === "loading" ? "reading the runs …"
    : state === "lost" ? "not connected" : `${plural(runs.length, "run")}, ${running} running`);
  const place = store.directory || "this directory";
  const words = state === "lost"
    ? [`No answer since ${gone.toLocaleTimeString()}: ${reason}. What is shown is from then; the `
      + `page goes on asking. If the program has ended, start it again: \`gru-dist dashboard `
      + `${place}\``]
    : tooDeep(place);
  whenChanged(byId("banner"), words, (banner) => {
    banner.replaceChildren(...words.map((text) => withCode(make("p"), text)));
  });
  setHidden(byId("banner"), words.length === 0);
  byId("banner").classList.toggle("bad", state === "lost");
  const isEmpty = runs.length === 0;
  setHidden(byId("nothing"), !isEmpty);
  const texts = state === "loading" ? ["Reading the runs …"] : state === "lost" && !place ? []
    : [`There is no run in ${place} yet.`, "A run appears here as soon as it has begun. To start "
      + `one: \`gru-dist configs/tiny-shakespeare.json --run-directory ${place}/first\``,
    "Runs that are elsewhere: `gru-dist dashboard DIRECTORY`"];
  if (isEmpty) whenChanged(byId("nothing"), texts, (box) =>
    box.replaceChildren(...texts.map((text) => withCode(make("p"), text))));
}
