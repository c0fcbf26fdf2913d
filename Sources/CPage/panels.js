"use strict";
/* What stands below the charts of the run in focus: a tab for each kind of thing. */

function node(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

const tabs = { Samples: samplesPanel, Config: configPanel, Checkpoints: checkpointsPanel,
  Ranks: ranksPanel, Events: eventsPanel, Download: downloadPanel };

function drawDetails() {
  $("tabs").replaceChildren(...Object.keys(tabs).map((name) => {
    const button = node("button", name);
    button.type = "button";
    button.setAttribute("role", "tab");
    button.setAttribute("aria-selected", String(name === state.tab));
    button.onclick = () => {
      state.tab = name;
      drawDetails();
    };
    return button;
  }));
  const detail = state.details.get(state.focus);
  const scrolled = $("panel").querySelector("pre")?.scrollTop ?? 0;
  $("panel").replaceChildren(...(detail ? tabs[state.tab](detail) : []));
  const pre = $("panel").querySelector("pre");
  if (pre) pre.scrollTop = scrolled;
}

function samplesPanel(detail) {
  if (detail.samples.length === 0) {
    return [node("p", "No samples: run.sample_length draws that many tokens after each validation.",
      "quiet")];
  }
  return detail.samples.toReversed().slice(0, 20).map((sample) => {
    const box = node("div", undefined, "sample");
    box.style.setProperty("--run", color(detail.summary.name));
    box.append(node("span", `step ${sample.step}`), node("pre", sample.text));
    return box;
  });
}

function configPanel(detail) { return [node("pre", JSON.stringify(detail.config, null, 2))]; }

function tablePanel(heads, rows) {
  const table = node("table");
  const head = node("tr");
  head.append(...heads.map((name) => node("th", name)));
  table.append(head);
  for (const cells of rows) {
    const row = node("tr");
    row.append(...cells.map((cell) => node("td", cell ?? "–")));
    table.append(row);
  }
  const box = node("div", undefined, "scroll");
  box.append(table);
  return [box];
}

const moment = (seconds) => seconds ? new Date(1000 * seconds).toLocaleString() : "–";

function checkpointsPanel(detail) {
  return tablePanel(["Step", "Name", "Size", "Written", ""], detail.checkpoints.map((point) => [
    point.step, point.name, `${(point.bytes / 2 ** 20).toFixed(1)} MiB`, moment(point.time),
    !point.is_complete ? "not whole" : point.is_best ? "best validation" : ""]));
}

function ranksPanel(detail) {
  return tablePanel(["Rank", "Host", "Process", "Step", "Doing", "Step time", "Exchange", "Told"],
    detail.ranks.map((rank) => [rank.rank, rank.host, rank.pid, rank.step, rank.activity,
      rank.mean_step_seconds ? `${(1000 * rank.mean_step_seconds).toFixed(1)} ms` : "–",
      rank.mean_step_seconds ? `${(1000 * rank.mean_exchange_seconds).toFixed(1)} ms` : "–",
      moment(rank.time)]));
}

function eventsPanel(detail) {
  return tablePanel(["Step", "Kind", "What"], detail.events.toReversed().map((event) => {
    const { kind, step, event: name, ...rest } = event;
    return [step, name ?? kind, Object.entries(rest).map(([key, value]) =>
      `${key} ${typeof value === "string" ? value : JSON.stringify(value)}`).join(", ")];
  }));
}

function downloadPanel(detail) {
  const name = encodeURIComponent(detail.summary.name);
  const links = ["train", "valid"].map((kind) => [`api/metrics.csv?name=${name}&kind=${kind}`,
    `${kind}.csv`]).concat(
    [[`api/run?name=${name}`, "run.json"], ["metrics", "metrics of all runs"]]);
  return links.map(([url, text]) => {
    const line = node("p");
    const link = node("a", text);
    link.href = url;
    if (text !== "metrics of all runs") link.download = text;
    line.append(link);
    return line;
  });
}
