"""Trains the language model of a gru-dist config in PyTorch, to compare what they reach.

    python3 Benchmarks/pytorch_train.py configs/lm-reset-after.json

Same text and split, same streams and windows, same distributions of initial values, same
optimizer, clipping, dropout, learning rates and number of steps; only the random numbers differ.
Prints the records of gru-dist's metrics.jsonl, one JSON object a line.
"""

import argparse
import json
import math
import os
import sys
import time

import numpy
import torch

from pytorch_model import LanguageModel, initialize


class UsageError(Exception):
    """A config that PyTorch cannot train the same way."""


def words(text):
    """The words of a text, with an end after every line."""
    lines = text.split(b"\n")
    if not lines[-1]:
        lines.pop()
    for line in lines:
        yield from line.split()
        yield b"<eos>"


def read_words(path, known):
    """The tokens of a text by the vocabulary of another."""
    with open(path, "rb") as file:
        return numpy.array([known.get(word, 0) for word in words(file.read())], numpy.int64)


def read_texts(data):
    """Tokens to train and validate on, the size of the vocabulary, and bytes per validated token."""
    path, tokenizer = data["train"], data["tokenizer"]
    if tokenizer == "word":
        known = {b"<unk>": 0, b"<eos>": 1}
        with open(path, "rb") as file:
            for word in words(file.read()):
                known.setdefault(word, len(known))
        training, validation = read_words(path, known), read_words(data["valid"], known)
        return training, validation, len(known), os.path.getsize(data["valid"]) / len(validation)
    tokens, vocabulary = read_tokens(path, tokenizer)
    held = math.ceil(len(tokens) * data["valid_fraction"])
    ratio = byte_count(held - 1, path, tokenizer) / (held - 1)
    return tokens[:len(tokens) - held], tokens[len(tokens) - held:], vocabulary, ratio


def read_tokens(path, tokenizer):
    """The text's tokens and the size of the vocabulary."""
    with open(path, "rb") as file:
        text = file.read()
    if tokenizer == "byte":
        return numpy.frombuffer(text, dtype=numpy.uint8).astype(numpy.int64), 256
    scalars = numpy.frombuffer(text.decode("utf-8").encode("utf-32-le"), dtype=numpy.uint32)
    known, tokens = numpy.unique(scalars, return_inverse=True)
    # gru-dist keeps one more token for characters that the text lacks.
    return tokens.astype(numpy.int64), len(known) + 1


def byte_count(tokens, path, tokenizer):
    """Bytes of text that the last `tokens` tokens of the file stand for."""
    if tokenizer == "byte":
        return tokens
    with open(path, encoding="utf-8", newline="") as file:
        return len(file.read()[-tokens:].encode("utf-8"))


def training_window(tokens, sequences, window, index):
    """Inputs and targets [T, B] of one window of an epoch."""
    length = (len(tokens) - 1) // sequences
    starts = numpy.arange(sequences) * length + index * window
    places = starts[None, :] + numpy.arange(window)[:, None]
    return torch.from_numpy(tokens[places]), torch.from_numpy(tokens[places + 1])


def evaluation_windows(tokens, sequences, window):
    """Windows [T, B] that hold every target once; places beyond the text have target -1."""
    count = len(tokens) - 1
    streams = min(max(count // window, 1), sequences)
    length = -(-count // streams)
    for first in range(0, length, window):
        offsets = first + numpy.arange(window)[:, None]
        places = numpy.arange(streams)[None, :] * length + offsets
        valid = (offsets < length) & (places < count)
        places = numpy.where(valid, places, 0)
        yield (torch.from_numpy(numpy.where(valid, tokens[places], 0)),
               torch.from_numpy(numpy.where(valid, tokens[places + 1], -1)))


def learning_rate(optimizer, step, steps, decays):
    """The rate of update `step`, counted from 1: linear warm-up, then the schedule.

    A plateau's rate has fallen `decays` times.
    """
    schedule = optimizer["schedule"]
    peak, warmup = optimizer["learning_rate"], schedule["warmup_steps"]
    if schedule["name"] == "plateau":
        peak *= schedule["factor"] ** decays
    if step <= warmup:
        return peak * step / warmup
    progress = min(1.0, (step - warmup) / (steps - warmup))
    final = schedule["final_fraction"]
    shapes = {
        "constant": lambda: 1.0,
        "plateau": lambda: 1.0,
        "linear": lambda: 1 - (1 - final) * progress,
        "cosine": lambda: final + (1 - final) * 0.5 * (1 + math.cos(math.pi * progress)),
    }
    return peak * shapes[schedule["name"]]()


def summed_loss(logits, targets):
    return torch.nn.functional.cross_entropy(
        logits.reshape(-1, logits.shape[-1]), targets.reshape(-1),
        ignore_index=-1, reduction="sum")


def evaluate(model, tokens, batch):
    """Nats per target over all of `tokens`, from a zero state."""
    total, counted, state = 0.0, 0, None
    model.eval()
    with torch.no_grad():
        for inputs, targets in evaluation_windows(tokens, batch["sequences"], batch["window"]):
            logits, state = model(inputs, state)
            total += summed_loss(logits, targets).item()
            counted += int((targets >= 0).sum())
    model.train()
    return total / counted


def effective(path):
    """The config with the defaults of gru-dist that matter here."""
    with open(path, encoding="utf-8") as file:
        given = json.load(file)
    config = {
        "data": {"valid": None, "valid_fraction": 0.1, "tokenizer": "byte"},
        "model": {"cell": "gru", "reset": "before", "embedding": 128, "hidden": 512, "layers": 2,
                  "dropout": 0.0, "dropout_kind": "element", "tie_weights": False},
        "batch": {"sequences": 64, "window": 64},
        "optimizer": {
            "name": "adam", "learning_rate": 0.002, "beta1": 0.9, "beta2": 0.999,
            "epsilon": 1e-8, "momentum": 0, "weight_decay": 0, "clip_norm": 1.0, "schedule": {}},
        "run": {"steps": 2000, "seed": 1, "log_every": 10, "validate_every": 200,
                "patience": 0},
    }
    for section, values in config.items():
        values.update(given.get(section, {}))
    config["optimizer"]["schedule"] = {
        "name": "cosine", "warmup_steps": 100, "final_fraction": 0.1, "factor": 0.25,
        "patience": 1, **config["optimizer"]["schedule"]}
    if config["model"]["cell"] == "gru" and config["model"]["reset"] != "after":
        raise UsageError(
            f"{path}: model.reset is \"before\", but PyTorch's GRU resets after the recurrent "
            "product; take a config with \"after\", such as configs/lm-reset-after.json")
    name = config["optimizer"]["name"]
    if name not in ("adam", "sgd"):
        raise UsageError(f"{path}: optimizer.name is \"{name}\"; only adam and sgd are compared here")
    keys = (
        "embedding_dropout", "recurrent_dropout", "layer_norm", "learned_initial_state",
        "initial_update_bias")
    for key in keys:
        if config["model"].get(key):
            raise UsageError(f"{path}: model.{key} is not something that PyTorch's layers do")
    if config["model"]["dropout_kind"] != "element":
        raise UsageError(f"{path}: model.dropout_kind is not \"element\", which PyTorch's layers drop")
    has_words = config["data"]["tokenizer"] == "word"
    if has_words != (config["data"]["valid"] is not None):
        raise UsageError(
            f"{path}: words are compared with data.valid, other tokens with data.valid_fraction")
    return config


def train(config, report):
    data, sizes, batch = config["data"], config["model"], config["batch"]
    settings, run = config["optimizer"], config["run"]
    training, validation, vocabulary, ratio = read_texts(data)

    torch.manual_seed(run["seed"])
    model = LanguageModel(
        sizes["cell"], vocabulary, sizes["embedding"], sizes["hidden"], sizes["layers"],
        sizes["dropout"], sizes["tie_weights"])
    initialize(model)
    if settings["name"] == "sgd":
        optimizer = torch.optim.SGD(
            model.parameters(), lr=settings["learning_rate"], momentum=settings["momentum"],
            weight_decay=settings["weight_decay"])
    else:
        optimizer = torch.optim.Adam(
            model.parameters(), betas=(settings["beta1"], settings["beta2"]),
            eps=settings["epsilon"], weight_decay=settings["weight_decay"])
    best, stalled, decays, worse, validating = math.inf, 0, 0, 0, 0.0
    windows = (len(training) - 1) // batch["sequences"] // batch["window"]
    tokens_per_step = batch["sequences"] * batch["window"]
    start = time.perf_counter()
    for step in range(1, run["steps"] + 1):
        epoch, window = divmod(step - 1, windows)
        state = None if window == 0 else state.detach()
        inputs, targets = training_window(
            training, batch["sequences"], batch["window"], window)
        rate = learning_rate(settings, step, run["steps"], decays)
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.zero_grad(set_to_none=True)
        logits, state = model(inputs, state)
        loss = summed_loss(logits, targets) / tokens_per_step
        loss.backward()
        limit = settings["clip_norm"] or math.inf
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), limit)
        optimizer.step()
        if run["log_every"] and step % run["log_every"] == 0:
            report(kind="train", step=step, epoch=epoch, tokens=step * tokens_per_step,
                   loss=loss.item(), learning_rate=rate, gradient_norm=norm.item(),
                   tokens_per_second=step * tokens_per_step
                   / (time.perf_counter() - start - validating))
        due = run["validate_every"] and step % run["validate_every"] == 0
        if due or step == run["steps"]:
            began = time.perf_counter()
            nats = evaluate(model, validation, batch)
            validating += time.perf_counter() - began
            stalled = 0 if nats < best else stalled + 1
            worse = 0 if nats < best else worse + 1
            best = min(best, nats)
            if stalled >= settings["schedule"]["patience"]:
                stalled, decays = 0, decays + 1
            report(kind="valid", step=step, loss=nats, perplexity=math.exp(nats),
                   bits_per_byte=nats / math.log(2) / ratio)
            if run["patience"] and worse >= run["patience"]:
                return


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config")
    parser.add_argument("--steps", type=int, help="in place of run.steps")
    parser.add_argument("--seed", type=int, help="in place of run.seed")
    parser.add_argument("--threads", type=int, help="threads of PyTorch; all cores by default")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    try:
        config = effective(options.config)
        for key in ("steps", "seed"):
            if getattr(options, key) is not None:
                config["run"][key] = getattr(options, key)
        train(config, lambda **record: print(json.dumps(record), flush=True))
    except (OSError, ValueError, UsageError) as error:
        sys.exit(f"pytorch_train.py: {error}")


if __name__ == "__main__":
    main()
