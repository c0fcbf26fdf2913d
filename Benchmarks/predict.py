"""Times predictions beside evaluation, PyTorch and onnxruntime, on the same model and file.

    python3 Benchmarks/predict.py --program .build/debug/gru-dist

A classifier of made-up sensor sequences (six columns, 20 to 200 steps, as CSV) is trained for some
steps, and then read a file of other sequences. `evaluate` reads their labels too; PyTorch reads the
file by the standard library's csv and computes padded batches of sequences sorted by length (`torch`;
`torch-model` is the time of the model alone, the sequences being in memory as lists), and so does
onnxruntime with the exported graph. All compute on one core in fp32, and their probabilities must
agree. Prints seconds, medians of alternating turns, and each one's ratio to gru-dist predict as a
whole, and to what its model alone takes (`predict-model`, as predict says on standard error).
"""

import argparse
import csv
import json
import math
import os
import pathlib
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time

COLUMNS = 6
CLASSES = 4


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", default=".build/debug/gru-dist")
    parser.add_argument("--sequences", type=int, default=4_000)
    parser.add_argument("--hidden", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--isa", default="auto")
    parser.add_argument("--peers", default="torch,onnxruntime")
    return parser.parse_args()


def make_file(path, count, seed):
    generator = random.Random(seed)
    with open(path, "w") as file:
        names = ",".join(f"x{j}" for j in range(COLUMNS))
        file.write(f"sequence,{names},label\n")
        for sequence in range(count):
            label = generator.randrange(CLASSES)
            for step in range(generator.randrange(20, 201)):
                values = ",".join(
                    f"{math.sin(step / (3 + label + j)) + generator.gauss(0, 0.5):.4f}"
                    for j in range(COLUMNS))
                file.write(f"s{sequence},{values},c{label}\n")


def timed(command, folder, errors=None):
    start = time.perf_counter()
    done = subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True)
    seconds = time.perf_counter() - start
    if errors is not None:
        errors.append(done.stderr)
    return seconds


def computing(errors):
    """The seconds that the model took, in the words of gru-dist predict."""
    return float(re.search(r"computing took ([0-9.e+-]+) s", errors)[1])


def read_sequences(path):
    sequences, name = [], None
    with open(path) as file:
        rows = csv.reader(file)
        next(rows)
        for row in rows:
            if row[0] != name:
                name = row[0]
                sequences.append([])
            sequences[-1].append([float(cell) for cell in row[1:1 + COLUMNS]])
    return sequences


def scales(folder, run):
    states = sorted((folder / run / "checkpoints").glob("step-*/state.json"))
    return json.loads(states[-1].read_text())["dataset"]


class Torch:
    """Padded batches of sequences sorted by length, of the exported weights."""

    def __init__(self, folder, hidden):
        import torch
        from safetensors.torch import load_file

        torch.set_num_threads(1)
        self.torch = torch
        weights = load_file(str(folder / "model.safetensors"))
        self.gru = torch.nn.GRU(COLUMNS, hidden, batch_first=True)
        self.head = torch.nn.Linear(hidden, CLASSES)
        parts = {"gru": self.gru, "head": self.head}
        for part, module in parts.items():
            own = {}
            for name in module.state_dict():
                found = [key for key in weights if key.endswith(name) and (
                    part == "gru") == ("_l0" in key)]
                own[name] = weights[found[0]]
            module.load_state_dict(own)

    def run(self, sequences, batch=64):
        torch = self.torch
        order = sorted(range(len(sequences)), key=lambda index: len(sequences[index]))
        results = [None] * len(sequences)
        with torch.inference_mode():
            for first in range(0, len(order), batch):
                chosen = order[first:first + batch]
                parts = [torch.tensor(sequences[index]) for index in chosen]
                lengths = torch.tensor([len(part) for part in parts])
                padded = torch.nn.utils.rnn.pad_sequence(parts, batch_first=True)
                states, _ = self.gru(padded)
                last = states[torch.arange(len(chosen)), lengths - 1]
                for index, row in zip(chosen, self.head(last).softmax(1).tolist()):
                    results[index] = row
        return results


class Onnx:
    """The exported graph, of the same padded batches."""

    def __init__(self, folder):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        # Lengths and initial state have defaults, which are meant to be replaced.
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(
            str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"])
        self.types = {"tensor(double)": "f8", "tensor(float)": "f4"}
        self.defaults = {place.name: place for place in self.session.get_overridable_initializers()}

    def run(self, sequences, batch=64):
        import numpy

        place = self.session.get_inputs()[0]
        order = sorted(range(len(sequences)), key=lambda index: len(sequences[index]))
        results = [None] * len(sequences)
        for first in range(0, len(order), batch):
            chosen = order[first:first + batch]
            longest = len(sequences[chosen[-1]])
            values = numpy.zeros((longest, len(chosen), COLUMNS), self.types[place.type])
            for row, index in enumerate(chosen):
                values[:len(sequences[index]), row] = sequences[index]
            lengths = numpy.array([len(sequences[index]) for index in chosen], "i4")
            layers, _, hidden = self.defaults["initial_state"].shape
            state = numpy.zeros((layers, len(chosen), hidden), "f4")
            logits = self.session.run(
                ["logits"], {place.name: values, "lengths": lengths, "initial_state": state})[0]
            shares = numpy.exp(logits - logits.max(1, keepdims=True))
            shares /= shares.sum(1, keepdims=True)
            for index, row in zip(chosen, shares.tolist()):
                results[index] = row
        return results


def normalized(sequences, frame):
    means, deviations = frame["means"], frame["deviations"]
    return [[[(cell - mean) / deviation
              for cell, mean, deviation in zip(row, means, deviations)]
             for row in sequence] for sequence in sequences]


def predictions(program, folder, one):
    """The probabilities of all classes, in their order, of gru-dist predict."""
    text = subprocess.run(
        [program, "predict", "run", "new.csv", "--top", str(CLASSES), "--format", "jsonl", *one],
        cwd=folder, check=True, capture_output=True, text=True).stdout
    results = []
    for line in text.splitlines():
        classes = {item["class"]: item["probability"] for item in json.loads(line)["classes"]}
        results.append([classes[f"c{index}"] for index in range(CLASSES)])
    return results


def require_equal(name, found, expected):
    distance = max(abs(a - b) for rows in zip(found, expected) for a, b in zip(*rows))
    print(f"{name}: probabilities differ by {distance:.1e} at most", file=sys.stderr)
    if len(found) != len(expected) or distance > 1e-4:
        sys.exit(f"{name} computes something else")


def peers(arguments, folder, expected):
    """What each of the others does, once it is known to compute the same."""
    found = {}
    for name in arguments.peers.split(","):
        try:
            if name == "torch":
                model = Torch(folder, arguments.hidden)
                frame = scales(folder, "run")
                data = normalized(read_sequences(folder / "new.csv"), frame)
                require_equal(name, model.run(data), expected)

                def whole(model=model, frame=frame):
                    model.run(normalized(read_sequences(folder / "new.csv"), frame))

                found["torch"] = whole
                found["torch-model"] = lambda model=model, data=data: model.run(data)
            elif name == "onnxruntime":
                graph = Onnx(folder)
                data = read_sequences(folder / "new.csv")
                require_equal(name, graph.run(data), expected)
                found["onnxruntime"] = lambda graph=graph: graph.run(
                    read_sequences(folder / "new.csv"))
                found["onnx-model"] = lambda graph=graph, data=data: graph.run(data)
        except ImportError as error:
            print(f"{name} is left out: {error}", file=sys.stderr)
    return found


def main():
    arguments = parse()
    program = str(pathlib.Path(arguments.program).resolve())
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[-1]})
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        make_file(folder / "train.csv", 300, 1)
        make_file(folder / "new.csv", arguments.sequences, 2)
        (folder / "config.json").write_text(json.dumps({
            "task": "classification", "data": {"train": "train.csv", "valid_fraction": 0.1},
            "model": {"hidden": arguments.hidden, "layers": 1, "reset": "after"},
            "batch": {"sequences": 32, "window": 200, "shards": 8},
            "run": {"directory": "run", "steps": 60, "validate_every": 60}}))
        one = ["--threads", "1", "--isa", arguments.isa]
        subprocess.run([program, "config.json", *one], cwd=folder, check=True,
                       stdout=subprocess.DEVNULL)
        for form, output in [("torch", "model.safetensors"), ("onnx", "model.onnx")]:
            subprocess.run([program, "export", "run", "--format", form, "--output", output],
                           cwd=folder, check=True, stdout=subprocess.DEVNULL)
        told = []
        ways = {
            "predict": lambda: timed(
                [program, "predict", "run", "new.csv", "--output", "out.csv", *one], folder, told),
            "predict-model": lambda: computing(told[-1]),
            "evaluate": lambda: timed(
                [program, "evaluate", "run", "--text", "new.csv", *one], folder),
        }
        for peer, call in peers(
                arguments, folder, predictions(program, folder, one)).items():
            def measure(call=call):
                start = time.perf_counter()
                call()
                return time.perf_counter() - start
            ways[peer] = measure
        seconds = {way: [] for way in ways}
        for _ in range(arguments.rounds):
            for way, call in ways.items():
                seconds[way].append(call())
        own = statistics.median(seconds["predict"])
        model = statistics.median(seconds["predict-model"])
        for way, list_ in seconds.items():
            median = statistics.median(list_)
            print(f"{way:14} {median:8.3f} s   {median / own:6.2f} x predict   "
                  f"{median / model:6.2f} x predict-model   "
                  f"{arguments.sequences / median:10,.0f} sequences/s")


if __name__ == "__main__":
    main()
