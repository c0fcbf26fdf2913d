/* What the measures of tasks are called, what they are counted in, and which way is better. */

import { capitalized } from "./format.js";

const known = {
  loss: ["Loss", "lower"],
  accuracy: ["Accuracy", "higher", "share of targets"],
  macro_f1: ["Macro-F1", "higher", "mean over classes"],
  balanced_accuracy: ["Balanced accuracy", "higher", "mean recall of classes"],
  phrase_f1: ["Phrase F1", "higher", "whole phrases"],
  phrase_precision: ["Phrase precision", "higher", "whole phrases"],
  phrase_recall: ["Phrase recall", "higher", "whole phrases"],
  mse: ["MSE", "lower", "scaled"],
  mae: ["MAE", "lower", "scaled"],
  r2: ["R²", "higher", "share of variance explained"],
  mase: ["MASE", "lower", "1 is a naive forecast"],
  smape: ["sMAPE", "lower", "%"],
  crps: ["CRPS", "lower", "scaled"],
  pinball: ["Pinball loss", "lower", "scaled"],
  nll: ["Negative log-likelihood", "lower", "nats"],
  perplexity: ["Perplexity", "lower", "validation"],
  bits_per_byte: ["Bits per byte", "lower", "validation"],
  bits_per_character: ["Bits per character", "lower", "validation"],
  label_accuracy: ["Label accuracy", "higher", "share of yes and no"],
  frame_accuracy: ["Frame accuracy", "higher", "right over right and wrong ones"],
  micro_f1: ["Micro-F1", "higher", "all labels together"],
  exact_match: ["Exact match", "higher", "share of steps"],
  unknown_targets: ["Unknown targets", "lower", "tokens"],
};

function ranking(name) {
  const match = /^(recall|mrr)_at_(\d+)$/.exec(name);
  if (!match) return null;
  return match[1] === "recall"
    ? [`Recall at ${match[2]}`, "higher", "share of targets"]
    : [`MRR at ${match[2]}`, "higher", "mean reciprocal rank"];
}

const entry = (name) => (Object.hasOwn(known, name) ? known[name] : ranking(name));

export const title = (name) => entry(name)?.[0] ?? capitalized(name.replaceAll("_", " "));
export const isLowerBetter = (name) => (entry(name)?.[1] ?? "lower") === "lower";
export const isKnown = (name) => entry(name) !== null;

/* The unit of a measure of a run. Errors of numbers are those of the data where nothing scales. */
export function unit(name, run) {
  const text = entry(name)?.[2] ?? "";
  if (text !== "scaled") return text;
  const normalizes = run?.config?.data?.normalize;
  return normalizes === false ? squared(name, "units of the data")
    : normalizes === true ? "scaled by the deviation" : "as the model sees them";
}

const squared = (name, text) => (name === "mse" ? `${text}, squared` : text);

/* Columns of a naive model: macro_f1_of_largest_class is macro_f1 of the largest class. */
export function baselineOf(name) {
  const place = name.indexOf("_of_");
  if (place <= 0) return null;
  return { measure: name.slice(0, place), model: name.slice(place + 4).replaceAll("_", " ") };
}

export const lossUnit = (run) => run.task?.loss_unit ?? "mean of all targets";
export const speedUnit = (run) => run.task?.unit ?? "targets";

/* The measures of a run's task that its validations tell, the one it is judged by first. */
export function measures(run) {
  const told = Object.keys(run.validation ?? {}).filter((name) => !name.includes("_of_"));
  const order = [run.best?.measure, ...(run.task?.metrics ?? []), ...told].filter((name) =>
    name && name !== "loss" && told.includes(name));
  return [...new Set(order)].filter((name) => name !== "unknown_targets");
}

/* The places of all values that are as good as the best; none where all are, or one is alone. */
export function bestOf(values, lowerIsBetter) {
  const finite = values.filter(Number.isFinite);
  if (finite.length < 2) return [];
  const best = lowerIsBetter ? Math.min(...finite) : Math.max(...finite);
  const found = values.flatMap((value, index) => (value === best ? [index] : []));
  return found.length === finite.length ? [] : found;
}
