/* Numbers, times and sizes as people read them. */

const minus = (text) => text.replaceAll("-", "−");

export function trimmed(value, digits) {
  const text = value.toFixed(digits);
  return minus(text.includes(".") ? text.replace(/\.?0+$/, "") : text);
}

/* Short, such as 1.53M, 24.6k, 0.0021; a dash where there is no number. */
export function readable(value) {
  if (!Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size >= 1e9) return trimmed(value / 1e9, 2) + "G";
  if (size >= 1e6) return trimmed(value / 1e6, 2) + "M";
  if (size >= 1e4) return trimmed(value / 1e3, 1) + "k";
  if (size >= 100 || size === 0) return trimmed(value, 1);
  if (size >= 0.01) return trimmed(value, size >= 10 ? 2 : 4);
  if (size >= 0.0005) return trimmed(value, 5);
  return minus(value.toExponential(1));
}

/* Four decimals, so that numbers in a column can be compared. */
export function fixed(value) {
  if (!Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size !== 0 && size < 1e-3) return minus(value.toExponential(2));
  if (size >= 1e7) return minus(value.toExponential(3));
  return minus(value.toFixed(size >= 1000 ? 1 : 4));
}

/* Five significant digits. */
export function precise(value) {
  if (!Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e7)) return minus(value.toExponential(3));
  return minus(String(Number(value.toPrecision(5))));
}

/* Groups of three digits, as 1,234,567. */
export function grouped(value) {
  if (!Number.isFinite(value)) return "–";
  return minus(String(Math.round(value))).replace(/\B(?=(\d{3})+$)/g, ",");
}

const two = (number) => String(number).padStart(2, "0");

/* 2:03 or 1:02:03; days in front of what is longer. */
export function duration(seconds) {
  if (!Number.isFinite(seconds)) return "–";
  const whole = Math.round(Math.abs(seconds));
  const sign = seconds < 0 && whole > 0 ? "−" : "";
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  if (hours === 0) return `${sign}${minutes}:${two(whole % 60)}`;
  if (hours < 48) return `${sign}${hours}:${two(minutes)}:${two(whole % 60)}`;
  return `${sign}${Math.floor(hours / 24)} d ${two(hours % 24)}:${two(minutes)}`;
}

/* How long ago something was, in one unit, as "gru-dist runs" has it. */
export function age(seconds) {
  if (!Number.isFinite(seconds)) return "–";
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 100) return `${whole} s`;
  if (whole < 6000) return `${Math.floor(whole / 60)} min`;
  if (whole < 172800) return `${Math.floor(whole / 3600)} h`;
  return `${Math.floor(whole / 86400)} d`;
}

/* A date and time of this place: 2026-11-28 14:05:09. */
export function moment(seconds) {
  if (!Number.isFinite(seconds) || seconds <= 0) return "–";
  const date = new Date(1000 * seconds);
  return `${day(date)} ${clock(date)}:${two(date.getSeconds())}`;
}

export const day = (date) =>
  `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
export const clock = (date) => `${two(date.getHours())}:${two(date.getMinutes())}`;

export function bytes(count) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let [value, unit] = [count, 0];
  while (value >= 1024 && unit < units.length - 1) [value, unit] = [value / 1024, unit + 1];
  return unit === 0 ? `${count} B` : `${value.toFixed(1)} ${units[unit]}`;
}

export const plural = (count, noun, many = `${noun}s`) =>
  `${grouped(count)} ${count === 1 ? noun : many}`;

export const capitalized = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/* A value of a config or a result as text. */
export function valueText(value) {
  if (value === undefined || value === null) return "–";
  if (Number.isInteger(value)) return minus(String(value));
  if (typeof value === "number") return precise(value);
  return typeof value === "string" ? value : JSON.stringify(value);
}
