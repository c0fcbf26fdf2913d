/* Where an axis has its marks, and what stands at them. */

import { clock, day, duration, trimmed } from "./format.js";

/* Round numbers that divide a range into about `count` parts; whole ones for steps. */
export function linearTicks(low, high, count, isWhole = false) {
  if (!(high > low)) return [low];
  const rough = (high - low) / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(rough));
  let step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((s) => s >= rough * 0.999);
  if (isWhole) step = Math.max(1, Math.round(step));
  return multiples(low, high, step);
}

function multiples(low, high, step) {
  const result = [];
  const first = Math.ceil(low / step - 1e-9);
  for (let number = first; number * step <= high + step * 1e-9; number += 1) {
    result.push(Math.abs(number * step) < step * 1e-9 ? 0 : number * step);
    if (result.length > 100) break;
  }
  return result;
}

/* Powers of ten, with numbers between them where the range is short; both above 0. */
export function logTicks(low, high, count) {
  const decades = Math.log10(high / low);
  if (decades < 0.5) return linearTicks(low, high, count).filter((value) => value > 0);
  const factors = decades > 3 ? [1] : decades > 1.5 ? [1, 3] : [1, 2, 5];
  const every = Math.max(1, Math.ceil(decades / (1.5 * count)));
  const result = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high) + 1e-9; power += 1) {
    if (power % every !== 0) continue;
    for (const factor of factors) {
      const value = Number(`${factor}e${power}`);
      if (value >= low * 0.9999 && value <= high * 1.0001) result.push(value);
    }
  }
  return result;
}

const spans = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200,
  86400, 172800, 604800];

/* Seconds, minutes or hours that people count by. */
export function durationTicks(low, high, count) {
  const step = spans.find((span) => span >= (high - low) / Math.max(1, count));
  return step && high - low >= 2 ? multiples(low, high, step) : linearTicks(low, high, count);
}

/* The same by this place's clock: whole hours are such here, not in Greenwich. */
export function clockTicks(low, high, count) {
  if (high - low < 4) return linearTicks(low, high, count);
  const step = spans.find((span) => span >= (high - low) / Math.max(1, count)) ?? 604800;
  const offset = 60 * new Date(1000 * low).getTimezoneOffset();
  return multiples(low - offset, high - offset, step).map((value) => value + offset);
}

export function clockTexts(values) {
  const step = values.length > 1 ? values[1] - values[0] : 60;
  let last = "";
  return values.map((value) => {
    const date = new Date(1000 * value);
    const today = day(date);
    const tenths = step < 1 ? date.getMilliseconds() / 1000 : 0;
    const seconds = tenths > 0 ? (date.getSeconds() + tenths).toFixed(2).padStart(5, "0")
      : String(date.getSeconds()).padStart(2, "0");
    const time = step < 60 ? `${clock(date)}:${seconds}` : clock(date);
    const text = step >= 86400 ? today.slice(5)
      : last && last !== today ? `${today.slice(5)} ${time}` : time;
    last = today;
    return text;
  });
}

const units = [[1e9, "G"], [1e6, "M"], [1e3, "k"]];

/* What stands at marks: as many decimals as tell neighbours from each other, and one unit. */
export function numberTexts(values) {
  const most = Math.max(...values.map(Math.abs));
  const steps = values.slice(1).map((value, index) => value - values[index]).filter((s) => s > 0);
  const step = steps.length > 0 ? Math.min(...steps) : most || 1;
  if (most > 0 && most < 1e-3) return values.map(scientific);
  const [scale, unit] = most >= 1e4 ? units.find(([size]) => most >= size) : [1, ""];
  const digits = Math.min(8, Math.max(0, -Math.floor(Math.log10(step / scale) + 1e-9)));
  const exact = Math.abs(step / scale * 10 ** digits - Math.round(step / scale * 10 ** digits));
  const decimals = exact > 1e-6 ? digits + 1 : digits;
  return values.map((value) => value === 0 ? "0" : trimmedTo(value / scale, decimals) + unit);
}

const trimmedTo = (value, decimals) => value.toFixed(decimals).replace("-", "−");

function scientific(value) {
  if (value === 0) return "0";
  const [digits, power] = value.toExponential(2).split("e");
  return `${trimmed(Number(digits), 2)}e${power.replace("+", "").replace("-", "−")}`;
}

/* At marks of a logarithmic axis each number stands for itself. */
export function logTexts(values) {
  return values.map((value) => value >= 1e4 || value < 1e-3 ? scientific(value)
    : trimmed(value, value >= 1 ? 1 : 4));
}

/* The marks of an axis: its values and their texts. */
export function axisTicks(kind, low, high, count, isLog) {
  if (isLog) {
    const values = logTicks(low, high, count);
    if (kind === "duration") return { values, texts: values.map(duration) };
    // Within half a decade marks are as those of a linear axis.
    return { values, texts: Math.log10(high / low) < 0.5 ? numberTexts(values) : logTexts(values) };
  }
  if (kind === "clock") {
    const values = clockTicks(low, high, count);
    return { values, texts: clockTexts(values) };
  }
  if (kind === "duration") {
    const values = durationTicks(low, high, count);
    return { values, texts: high - low >= 2 ? values.map(duration) : numberTexts(values) };
  }
  const values = linearTicks(low, high, count, kind === "whole");
  return { values, texts: numberTexts(values) };
}
