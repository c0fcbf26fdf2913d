// What the page's modules compute, without a browser. Run by DashboardTests in a copy of the page.
import assert from "node:assert/strict";
import { test } from "node:test";

globalThis.location = { search: "", pathname: "/" };
globalThis.history = { replaceState: (_, __, address) => { location.search = address; } };
globalThis.localStorage = { getItem: () => null, setItem: () => {} };

const { axisTicks, linearTicks, logTicks, numberTexts } = await import("./ticks.js");
const { at, curve, rangeOf, smoothed, spreadOf, thinned } = await import("./series.js");
const { bySeeds, compareValues, differing, filtered, spread } = await import("./filter.js");
const { baselineOf, bestOf, measures, title, unit } = await import("./metrics.js");
const { leaves, merged, store, takeRuns } = await import("./store.js");
const { duration, fixed, grouped, readable } = await import("./format.js");
const { pannedBy, zoomedBy } = await import("./scale.js");
const { address, colorOf, focus, readAddress, set, tick, ticked, view, zoomed }
  = await import("./view.js");

const run = (name, config = {}, rest = {}) =>
  ({ name, status: "done", validation: {}, config, flat: leaves(config), ...rest });

test("ticks are round numbers that divide the range", () => {
  assert.deepEqual(linearTicks(0, 10, 4), [0, 2.5, 5, 7.5, 10]);
  assert.deepEqual(linearTicks(0, 3, 6, true), [0, 1, 2, 3]);
  assert.deepEqual(numberTexts([0, 2.5, 5, 7.5]), ["0", "2.5", "5.0", "7.5"]);
  assert.deepEqual(numberTexts([0, 20000, 40000]), ["0", "20k", "40k"]);
  assert.deepEqual(numberTexts([10.001, 10.002]), ["10.001", "10.002"]);
  assert.deepEqual(numberTexts([0, 0.0002, 0.0004]), ["0", "2e−4", "4e−4"]);
  for (const [low, high] of [[-1e-9, 1e-9], [1e12, 1.1e12], [-5, 3], [0.1, 0.1001]]) {
    const values = linearTicks(low, high, 4);
    assert.ok(values.length >= 2 && values.length <= 8, `${low} ${high}: ${values}`);
    const room = 1e-9 * (high - low);
    assert.ok(values.every((value) => value >= low - room && value <= high + room), `${values}`);
    assert.equal(new Set(numberTexts(values)).size, values.length, `${numberTexts(values)}`);
  }
});

test("logarithmic ticks are powers of ten, and more where the range is short", () => {
  assert.deepEqual(logTicks(0.9, 1100, 4), [1, 10, 100, 1000]);
  assert.deepEqual(logTicks(1, 10, 4), [1, 2, 5, 10]);
  assert.deepEqual(axisTicks("number", 2.6, 3.6, 4, true).texts, ["2.75", "3.00", "3.25", "3.50"]);
  assert.ok(logTicks(2.1, 2.4, 4).length >= 2);
  assert.ok(logTicks(1e-300, 1e300, 4).length <= 12);
});

test("time axes count minutes and hours", () => {
  assert.deepEqual(axisTicks("duration", 0, 3600, 4, false).texts,
    ["0:00", "15:00", "30:00", "45:00", "1:00:00"]);
  const { values, texts } = axisTicks("clock", 1764338700, 1764349500, 4, false);
  assert.equal(texts.length, values.length);
  assert.ok(values.every((value) => value % 1800 === 0));
  const short = axisTicks("clock", 1764338700.2, 1764338701, 4, false).texts;
  assert.ok(short.length >= 2 && new Set(short).size === short.length, `${short}`);
});

test("thinning keeps the least and the greatest of every column", () => {
  const xs = Array.from({ length: 20000 }, (_, index) => index);
  const ys = xs.map((x) => ((x * 7919) % 1000) / 1000);
  ys[12345] = 50;
  ys[777] = -50;
  const kept = thinned({ xs, ys }, (x) => Math.floor(x / 40));
  assert.ok(kept.xs.length <= 4 * 500);
  assert.ok(kept.ys.includes(50) && kept.ys.includes(-50));
  assert.ok(kept.xs.every((x, index) => index === 0 || x > kept.xs[index - 1]));
  for (let column = 0; column < 500; column += 1) {
    const part = ys.slice(40 * column, 40 * column + 40);
    const own = kept.ys.filter((_, index) => Math.floor(kept.xs[index] / 40) === column);
    assert.equal(Math.max(...own), Math.max(...part));
    assert.equal(Math.min(...own), Math.min(...part));
  }
});

test("the range is that of raw and smoothed curves within the zoom", () => {
  const raw = { xs: [0, 1, 2, 3, 4], ys: [10, 1, 1, 1, -7] };
  const whole = { left: 0, right: 4, isLog: false, robust: false };
  const [low, high] = rangeOf([smoothed(raw, 0.9), raw], whole);
  assert.ok(low < -7 && low > -9 && high > 10 && high < 12);
  assert.deepEqual(rangeOf([raw], { ...whole, left: 1, right: 3 }), [0.9, 1.1]);
  assert.ok(rangeOf([raw], { ...whole, isLog: true })[0] > 0);
  assert.equal(rangeOf([{ xs: [1], ys: [-1] }], { ...whole, isLog: true }), null);
  const spiky = { xs: raw.xs, ys: raw.ys };
  const many = { xs: Array.from({ length: 100 }, (_, i) => i / 25), ys: Array(100).fill(2) };
  many.ys[50] = 1000;
  many.ys[51] = 3;
  assert.ok(rangeOf([many], { ...whole, robust: true })[1] < 10);
  assert.ok(rangeOf([spiky], whole)[1] > 10);
});

test("seeds are one line with its range", () => {
  const made = spreadOf([{ xs: [0, 10], ys: [0, 10] }, { xs: [0, 5, 10], ys: [2, 7, 12] }]);
  assert.deepEqual(made, { xs: [0, 5, 10], ys: [1, 6, 11], lows: [0, 5, 10],
    highs: [2, 7, 12] });
  assert.ok(Number.isNaN(at({ xs: [1, 2], ys: [1, 2] }, 3)));
  const runs = [1, 2, 3, 4].map((seed) => run(`a/${seed}`, { model: { hidden: seed < 4 ? 8 : 16 },
    run: { seed, directory: `a/${seed}` } }));
  const groups = bySeeds(runs);
  assert.deepEqual(groups.map((group) => group.runs.length), [3, 1]);
  assert.equal(groups[0].name, "hidden 8 (3 seeds)");
  assert.deepEqual(differing(runs), ["model.hidden"]);
  assert.deepEqual(spread([1, NaN, 3]), { mean: 2, low: 1, high: 3, count: 2 });
});

test("runs are filtered by names, configs and results", () => {
  const runs = [run("lm-1", { model: { hidden: 256 } }, { loss: 1.5 }),
    run("lm-2", { model: { hidden: 512 } }, { loss: 2.5, status: "running" }),
    run("other", {}, { loss: null })];
  const names = (text) => filtered(runs, text).map(({ name }) => name).join(" ");
  assert.equal(names(""), "lm-1 lm-2 other");
  assert.equal(names("LM"), "lm-1 lm-2");
  assert.equal(names("hidden=256"), "lm-1");
  assert.equal(names("model.hidden>300"), "lm-2");
  assert.equal(names("loss<2 lm"), "lm-1");
  assert.equal(names("status!=running"), "lm-1 other");
  assert.equal(names("hidden>=256 hidden<=256"), "lm-1");
  assert.equal(names("nothing=1"), "");
  const sorted = (values, down) => values.toSorted((a, b) => compareValues(a, b, down));
  assert.deepEqual(sorted([3, null, 1, 2], false), [1, 2, 3, null]);
  assert.deepEqual(sorted([3, null, 1, 2], true), [3, 2, 1, null]);
  assert.deepEqual(sorted(["run-10", "run-9"], false), ["run-9", "run-10"]);
});

test("ties are marked alike, and measures have names and directions", () => {
  assert.deepEqual(bestOf([1, 2, 1, NaN], true), [0, 2]);
  assert.deepEqual(bestOf([1, 2, 2], false), [1, 2]);
  assert.deepEqual(bestOf([2, 2], true), []);
  assert.deepEqual(bestOf([2], true), []);
  assert.equal(title("macro_f1"), "Macro-F1");
  assert.equal(title("recall_at_20"), "Recall at 20");
  assert.equal(title("constructor"), "Constructor");
  assert.deepEqual(baselineOf("macro_f1_of_largest_class"),
    { measure: "macro_f1", model: "largest class" });
  assert.match(unit("mse", run("a", { data: { normalize: false } })), /units of the data/);
  const validation = { loss: 1, accuracy: 0.5, macro_f1: 0.4, accuracy_of_largest_class: 0.3 };
  assert.deepEqual(measures({ validation, best: { measure: "macro_f1" },
    task: { metrics: ["accuracy"] } }), ["macro_f1", "accuracy"]);
});

test("numbers and times are as people read them", () => {
  assert.equal(readable(1534000), "1.53M");
  assert.equal(readable(-0.00021), "−2.1e−4");
  assert.equal(readable(null), "–");
  assert.equal(fixed(0.00012), "1.20e−4");
  assert.equal(grouped(1234567), "1,234,567");
  assert.equal(duration(3725), "1:02:05");
  assert.equal(duration(200000), "2 d 07:33");
});

test("answers hold only what is new", () => {
  const first = merged(undefined, { kept: {}, train: { loss: [3, 2] }, valid: { loss: [2] },
    events: [1], samples: [], config: { a: 1 }, ranks: [], mark: "x" });
  const same = { kept: { train: 2, valid: 1, events: 1, samples: 0 }, train: { loss: [] },
    valid: { loss: [] }, events: [], samples: [], mark: "y" };
  const second = merged(first, same);
  assert.equal(second.version, first.version);
  assert.equal(second.train.loss, first.train.loss);
  assert.deepEqual(second.config, { a: 1 });
  const third = merged(second, { ...same, train: { loss: [1], new: [7] }, config: null });
  assert.deepEqual(third.train, { loss: [3, 2, 1], new: [null, null, 7] });
  assert.equal(third.config, null);
  assert.equal(third.version, first.version + 1);
  const detail = { train: { step: [0, 10], tokens: [0, 100], time: [5, 6] },
    valid: { step: [10, 15], loss: [1, 2], time: [7, 9] }, cache: new Map() };
  assert.deepEqual(curve(detail, "valid", "loss", "tokens").xs, [100, 150]);
  assert.deepEqual(curve(detail, "valid", "loss", "relative").xs, [2, 4]);
});

test("the list of runs keeps what has not changed", () => {
  const of = (name, step, rest = {}) => ({ name, step, updated: step, ...rest });
  takeRuns({ is_whole: true, names: ["a", "b"], mark: "1", directory: "/runs",
    runs: [of("a", 1, { config: { x: 1 } }), of("b", 2, { config: { x: 2 } })] });
  takeRuns({ is_whole: false, mark: "2", runs: [of("a", 3)] });
  assert.deepEqual([...store.runs.values()].map(({ name, step, flat }) => [name, step, flat.x]),
    [["a", 3, 1], ["b", 2, 2]]);
  takeRuns({ is_whole: false, names: ["a"], mark: "3", runs: [] });
  assert.deepEqual([...store.runs.keys()], ["a"]);
});

test("the address follows what is set, and sets it again", () => {
  takeRuns({ is_whole: true, names: ["a b", "c", "d"], mark: "1", runs: ["a b", "c", "d"].map(
    (name, index) => ({ name, updated: index, config: {}, task: { name: "t" } })) });
  readAddress("");
  assert.equal(address(), "/");
  assert.equal(focus(), "d");
  assert.deepEqual(ticked(), ["a b", "c", "d"]);
  tick(["d"], false);
  set({ focus: "c", smoothing: 0.5, logarithmic: true, zoom: "1_2", filter: "x=1" });
  assert.equal(location.search,
    "?runs=a+b&runs=c&focus=c&smoothing=0.5&logarithmic=true&filter=x%3D1&zoom=1_2");
  const says = location.search;
  readAddress("?x-axis=nowhere&smoothing=7&view=%00");
  assert.deepEqual([view["x-axis"], view.smoothing, view.view], ["step", 0.98, "curves"]);
  readAddress(says);
  assert.deepEqual([view.runs, view.logarithmic, zoomed()], [["a b", "c"], true, [1, 2]]);
  const color = colorOf("c");
  tick(["d"], true);
  assert.equal(colorOf("c"), color);
  assert.notEqual(colorOf("d"), color);
});

test("zoom and panning stay within the whole", () => {
  assert.deepEqual(zoomedBy([0, 100], 0.5, 50, [0, 100], false), [25, 75]);
  assert.equal(zoomedBy([25, 75], 4, 50, [0, 100], false), null);
  assert.deepEqual(pannedBy([25, 75], 1, [0, 100], false), [50, 100]);
  const [low, high] = zoomedBy([1, 10000], 0.5, 100, [1, 10000], true);
  assert.ok(Math.abs(low - 10) < 1e-9 && Math.abs(high - 1000) < 1e-6);
});
