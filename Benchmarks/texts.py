"""Times a pass over labelled texts beside PyTorch and Keras: padded, packed, sorted by length.

    python3 Benchmarks/texts.py --program .build/debug/gru-dist

The texts are made up, of the lengths of film reviews: log-normal, median 174, mean 215 words after
the cut at 512. All train the same model, an embedding, one GRU of PyTorch's form and a linear
layer on its last state, by Adam, on one core in fp32, some 36 texts an update. Prints the second
pass's seconds, medians of alternating turns, and each one's ratio to gru-dist's. `--peers`
chooses among those that are installed.
"""

import argparse
import json
import os
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import time

LONGEST = 512
BATCH = 36
WORDS = 20_000


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", default=".build/debug/gru-dist")
    parser.add_argument("--texts", type=int, default=2_000)
    parser.add_argument("--hidden", type=int, default=128)
    parser.add_argument("--embedding", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--isa", default="auto")
    parser.add_argument("--core", default="0", help="the core that everything timed runs on")
    parser.add_argument(
        "--peers", default="torch-padded,torch-packed,torch-sorted,keras-padded,keras-sorted")
    parser.add_argument("--peer", help=argparse.SUPPRESS)
    parser.add_argument("--file", help=argparse.SUPPRESS)
    return parser.parse_args()


def make_texts(path, count):
    """Texts whose class is told by one word in twenty."""
    generator = random.Random(3)
    total, cumulative = 0.0, []
    for rank in range(WORDS):
        total += 1 / (rank + 3)
        cumulative.append(total)
    names = [f"w{rank}" for rank in range(WORDS)]
    with open(path, "w") as file:
        file.write("text,label\n")
        for _ in range(count):
            length = max(10, min(LONGEST, int(generator.lognormvariate(5.16, 0.65))))
            label = generator.randrange(2)
            words = generator.choices(names, cum_weights=cumulative, k=length)
            for _ in range(length // 20):
                sign = "good" if label else "bad"
                words[generator.randrange(length)] = f"{sign}{generator.randrange(30)}"
            file.write(f"{' '.join(words)},{label}\n")


def read_texts(path):
    known, texts, labels = {}, [], []
    with open(path) as file:
        next(file)
        for line in file:
            text, label = line.rstrip("\n").split(",")
            texts.append([known.setdefault(word, len(known) + 1) for word in text.split()])
            labels.append(int(label))
    return texts, labels, len(known) + 1


def batches(texts, by_length, generator):
    """The numbers of each batch's texts: shuffled, or of similar length in shuffled order."""
    order = list(range(len(texts)))
    generator.shuffle(order)
    if by_length:
        order.sort(key=lambda number: len(texts[number]))
    parts = [order[first:first + BATCH] for first in range(0, len(order), BATCH)]
    generator.shuffle(parts)
    return parts


def own_seconds(options, path, folder):
    """Seconds of the second pass over all texts, batches included."""
    config = {
        "task": "classification",
        "data": {"train": path, "valid_fraction": 0, "tokenizer": "word", "truncate": "end"},
        "model": {
            "reset": "after", "embedding": options.embedding, "hidden": options.hidden,
            "layers": 1},
        "batch": {"sequences": 16, "window": LONGEST, "shards": 1},
        "optimizer": {"name": "adam", "learning_rate": 0.001, "schedule": {"name": "constant"}},
        "run": {
            "directory": f"{folder}/run", "steps": 1, "log_every": 1, "checkpoint_every": 0,
            "validate_every": 0}}
    name = f"{folder}/texts.json"
    pathlib.Path(name).write_text(json.dumps(config))
    command = [options.program]
    check = subprocess.run(
        [*command, "check", name, "--json"], check=True, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL)
    passes = json.loads(check.stdout.splitlines()[-1])["steps_per_epoch"]
    subprocess.run(
        ["taskset", "-c", options.core, *command, "train", name, "--threads", "1",
         "--isa", options.isa, "--overwrite", "--set", f"run.steps={2 * passes}"],
        check=True, stdout=subprocess.DEVNULL)
    seconds = 0.0
    with open(f"{folder}/run/metrics.jsonl") as file:
        for record in map(json.loads, file):
            if record["kind"] == "train" and record["step"] > passes:
                seconds += record["step_seconds"]
    return seconds


def torch_seconds(kind, options, path):
    import torch
    from torch.nn.utils.rnn import pack_padded_sequence

    torch.set_num_threads(1)
    torch.manual_seed(1)
    texts, labels, vocabulary = read_texts(path)
    generator = random.Random(1)
    embedding = torch.nn.Embedding(vocabulary, options.embedding)
    layer = torch.nn.GRU(options.embedding, options.hidden, batch_first=True)
    output = torch.nn.Linear(options.hidden, 2)
    parameters = [p for part in (embedding, layer, output) for p in part.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=0.001)
    for _ in range(2):
        start = time.perf_counter()
        for part in batches(texts, kind == "sorted", generator):
            lengths = torch.tensor([len(texts[number]) for number in part])
            inputs = torch.zeros(len(part), int(lengths.max()), dtype=torch.long)
            for row, number in enumerate(part):
                inputs[row, :lengths[row]] = torch.tensor(texts[number])
            vectors = embedding(inputs)
            if kind == "packed":
                vectors = pack_padded_sequence(
                    vectors, lengths, batch_first=True, enforce_sorted=False)
                last = layer(vectors)[1][0]
            else:
                states = layer(vectors)[0]
                last = states[torch.arange(len(part)), lengths - 1]
            targets = torch.tensor([labels[number] for number in part])
            loss = torch.nn.functional.cross_entropy(output(last), targets)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(parameters, 1.0)
            optimizer.step()
        seconds = time.perf_counter() - start
    return seconds


def keras_seconds(kind, options, path):
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import numpy
    import tensorflow

    tensorflow.config.threading.set_intra_op_parallelism_threads(1)
    tensorflow.config.threading.set_inter_op_parallelism_threads(1)
    import keras

    texts, labels, vocabulary = read_texts(path)
    generator = random.Random(1)
    model = keras.Sequential([
        keras.layers.Embedding(vocabulary, options.embedding, mask_zero=True),
        keras.layers.GRU(options.hidden, reset_after=True), keras.layers.Dense(2)])
    model.compile(
        optimizer=keras.optimizers.Adam(0.001, global_clipnorm=1.0),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    for _ in range(2):
        start = time.perf_counter()
        for part in batches(texts, kind == "sorted", generator):
            # Lengths by 32, so that few shapes are compiled.
            longest = max(len(texts[number]) for number in part)
            inputs = numpy.zeros((len(part), -(-longest // 32) * 32), numpy.int32)
            for row, number in enumerate(part):
                inputs[row, :len(texts[number])] = texts[number]
            targets = numpy.array([labels[number] for number in part], numpy.int32)
            model.train_on_batch(inputs, targets)
        seconds = time.perf_counter() - start
    return seconds


def peer_seconds(name, options, path):
    """In a process of its own, bound to one core's threads."""
    environment = dict(os.environ, OMP_NUM_THREADS="1", MKL_NUM_THREADS="1")
    command = [
        sys.executable, __file__, "--peer", name, "--file", path, "--hidden", str(options.hidden),
        "--embedding", str(options.embedding)]
    result = subprocess.run(
        ["taskset", "-c", options.core, *command], text=True, stdout=subprocess.PIPE,
        env=environment, stderr=subprocess.PIPE)
    if result.returncode != 0:
        sys.exit(f"Benchmarks/texts.py: {name} failed:\n{result.stderr[-2000:]}")
    return float(result.stdout.split()[-1])


def main():
    options = parse()
    if options.peer:
        library, kind = options.peer.split("-")
        measure = torch_seconds if library == "torch" else keras_seconds
        print(measure(kind, options, options.file))
        return
    names = [name for name in options.peers.split(",") if name]
    times = {name: [] for name in ["gru-dist", *names]}
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/texts.csv"
        make_texts(path, options.texts)
        for turn in range(options.rounds):
            times["gru-dist"].append(own_seconds(options, path, folder))
            for name in names:
                times[name].append(peer_seconds(name, options, path))
            print(f"round {turn + 1} of {options.rounds}", file=sys.stderr)
    print(f"{options.texts} texts, hidden {options.hidden}, one core")
    print("| | seconds a pass | times gru-dist's |\n|---|---|---|")
    for name, values in times.items():
        ratios = statistics.median(
            value / mine for value, mine in zip(values, times["gru-dist"]))
        print(f"| {name} | {statistics.median(values):.2f} | {ratios:.2f} |")


if __name__ == "__main__":
    main()
