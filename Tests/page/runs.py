"""Makes a directory of runs for the page to be tried on: one of each task by the program itself,
on small data that are made here, and copies that are many, long, damaged or old."""

import json
import math
import os
import random
import shutil
import subprocess
import time


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as out:
        out.write(text)


def make_data(folder):
    """Files that each task can learn something from within some steps."""
    dice = random.Random(1)
    words = "the a one two small large cat dog house tree runs sees finds loses and or".split()
    text = "".join(" ".join(dice.choices(words, k=9)) + ".\n" for _ in range(4000))
    write(f"{folder}/text.txt", text)
    rows = [f"{step},{math.sin(step / 6) * 3 + 20 + dice.gauss(0, 0.3):.3f},"
            f"{math.cos(step / 12) * 40 + dice.gauss(0, 4):.2f}" for step in range(3000)]
    write(f"{folder}/series.csv", "hour,temperature,load\n" + "\n".join(rows) + "\n")
    kinds = ["rising", "falling", "flat", "waves", "noise"]
    lines = []
    for index in range(600):
        kind = kinds[min(4, int(dice.expovariate(0.6)))]
        values = [{"rising": t / 4, "falling": -t / 4, "flat": 0.0, "waves": math.sin(t),
                   "noise": dice.gauss(0, 1)}[kind] + dice.gauss(0, 0.4) for t in range(16)]
        lines.append(json.dumps({"values": [round(v, 3) for v in values], "label": kind}))
    write(f"{folder}/kinds.jsonl", "\n".join(lines) + "\n")
    tags = []
    for _ in range(300):
        for _ in range(dice.randint(3, 14)):
            word = dice.choice(words)
            tag = "B-ANIMAL" if word in ("cat", "dog") else "B-PLACE" if word == "house" else "O"
            tags.append(f"{word} x {tag}")
        tags.append("")
    write(f"{folder}/tags.conll", "\n".join(tags) + "\n")
    rolls = []
    for index in range(80):
        steps = [[(step + index + lift) % 12 for lift in (0, 4, 7)] for step in range(20)]
        rolls.append(json.dumps({"active": steps}))
    write(f"{folder}/rolls.jsonl", "\n".join(rolls) + "\n")


COMMON = {
    "model": {"hidden": 24, "layers": 1},
    "batch": {"sequences": 16, "window": 24, "shards": 4},
    "optimizer": {"learning_rate": 0.01, "clip_norm": 1},
    "run": {"steps": 120, "log_every": 2, "validate_every": 20, "checkpoint_every": 40},
}

TASKS = {
    "language": {"data": {"train": "text.txt", "valid_fraction": 0.1, "tokenizer": "word"},
                 "run": {"sample_length": 40}},
    "forecasting": {"task": "forecasting", "output": {"loss": "quantile"},
                    "data": {"train": "series.csv", "valid_fraction": 0.2, "horizon": 12,
                             "columns": ["temperature", "load"], "normalize": True}},
    "classification": {"task": "classification",
                       "data": {"train": "kinds.jsonl", "valid_fraction": 0.3}},
    "tagging": {"task": "tagging", "data": {"train": "tags.conll", "valid_fraction": 0.3}},
    "music": {"task": "multilabel", "data": {"train": "rolls.jsonl", "valid_fraction": 0.3,
                                             "width": 12}},
    "adding": {"task": "adding", "data": {"valid_sequences": 200}},
}


def config(task, folder):
    """A config of a task, by the common keys and its own."""
    made = json.loads(json.dumps(COMMON))
    for key, value in TASKS[task].items():
        if isinstance(value, dict):
            made[key] = {**made.get(key, {}), **value}
        else:
            made[key] = value
    if "train" in made.get("data", {}):
        made["data"]["train"] = f"{folder}/{made['data']['train']}"
    return made


def train(program, task, place, data, *options):
    """A run of a task; says what the program says where it refuses."""
    path = f"{data}/{task}.json"
    write(path, json.dumps(config(task, data), indent=2))
    command = [program, path, "--threads", "1", "--run-directory", place, *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)}: status {done.returncode}\n{done.stderr}")


def copy(source, place, change):
    """A run as another one: without checkpoints, its config changed by a function."""
    shutil.copytree(source, place, ignore=shutil.ignore_patterns("checkpoints", "run.lock"))
    with open(f"{place}/config.json", encoding="utf-8") as file:
        told = json.load(file)
    change(told)
    told["run"]["directory"] = place
    write(f"{place}/config.json", json.dumps(told))


def many_seeds(source, folder, count):
    """Runs of several sizes whose configs differ in the seed else, each with numbers of its own."""
    dice = random.Random(2)
    with open(f"{source}/metrics.jsonl", encoding="utf-8") as file:
        records = [json.loads(line) for line in file]
    for index in range(count):
        hidden = (16, 32, 64, 128)[index % 4]
        place = f"{folder}/hidden-{hidden}/seed-{index // 4 + 1}"

        def change(told, hidden=hidden, seed=index // 4 + 1):
            told["model"]["hidden"] = hidden
            told["run"]["seed"] = seed

        copy(source, place, change)
        factor = 1 + dice.gauss(0, 0.03) - math.log2(hidden) / 40
        lines = []
        for record in records:
            noisy = dict(record)
            for key in ("loss", "gradient_norm"):
                if isinstance(record.get(key), float):
                    noisy[key] = record[key] * factor * (1 + dice.gauss(0, 0.01))
            if isinstance(record.get("accuracy"), float):
                noisy["accuracy"] = min(1, record["accuracy"] / factor)
            lines.append(json.dumps(noisy))
        write(f"{place}/metrics.jsonl", "\n".join(lines) + "\n")


SPIKE = 123_457


def long_run(source, place, rows):
    """Records of so many steps, with one that stands out."""
    copy(source, place, lambda told: told["run"].update(steps=rows))
    dice = random.Random(3)
    started = time.time() - rows / 10
    with open(f"{place}/metrics.jsonl", "w", encoding="utf-8") as out:
        for step in range(1, rows + 1):
            loss = 6 / (1 + step / 4000) + 1.5 + dice.gauss(0, 0.05)
            loss = 40.0 if step == SPIKE else loss
            out.write(f'{{"kind":"train","step":{step},"epoch":0,"tokens":{step * 384},'
                      f'"loss":{loss:.5f},"learning_rate":0.001,"gradient_norm":{loss / 3:.4f},'
                      f'"tokens_per_second":4000.0,"step_seconds":0.1,"exchange_seconds":0.0,'
                      f'"time":{started + step / 10:.1f}}}\n')


def damaged_run(source, place):
    """A config that is cut off, a heartbeat of nothing, and lines that are no records."""
    copy(source, place, lambda told: None)
    write(f"{place}/config.json", '{"model": {"hidden"')
    write(f"{place}/heartbeat.json", "")
    with open(f"{place}/metrics.jsonl", "a", encoding="utf-8") as out:
        out.write('{"kind":"train","step":130,"lo\nnot a record\n')


def old_run(source, place):
    """As a program left it that knew neither tasks nor heartbeats, nor wrote times and reports."""
    copy(source, place, lambda told: told.pop("task", None))
    for name in ("heartbeat.json", "validation.json"):
        if os.path.exists(f"{place}/{name}"):
            os.remove(f"{place}/{name}")
    shutil.rmtree(f"{place}/ranks", ignore_errors=True)
    with open(f"{place}/metrics.jsonl", encoding="utf-8") as file:
        records = [json.loads(line) for line in file]
    for record in records:
        record.pop("time", None)
    write(f"{place}/metrics.jsonl", "\n".join(json.dumps(record) for record in records) + "\n")


def daemon_run(source, place):
    """A run that its daemon gave up."""
    copy(source, place, lambda told: None)
    now = time.time()
    history = [{"attempt": number, "ranks": 2, "started": now - 900 + 200 * number,
                "ended": now - 800 + 200 * number, "start_step": 40, "last_step": 50 + number,
                "checkpoint_step": 40, "outcome": "the launcher ended with status 1"}
               for number in range(1, 4)]
    write(f"{place}/daemon.json", json.dumps({
        "version": 1, "state": "gave_up", "pid": 1, "process_start": "", "host": "node-1",
        "run_directory": place, "command": ["mpirun", "-n", "2", "gru-dist", "config.json"],
        "ranks_wanted": 2, "hosts_gone": [], "job": None, "attempts": 3, "failures": 2,
        "progress_step": 40, "last_step": 53, "steps": 120, "started": now - 900,
        "updated": now - 60, "history": history, "files": []}))
    with open(f"{place}/heartbeat.json", encoding="utf-8") as file:
        beat = json.load(file)
    beat.update(exit_status=1, ranks=2, step=53)
    write(f"{place}/heartbeat.json", json.dumps(beat))


def make_all(program, folder, seeds=100, rows=200_000):
    """All of them in `folder`."""
    data = f"{folder}/data"
    make_data(data)
    runs = f"{folder}/runs"
    os.makedirs(f"{folder}/empty")
    for task in TASKS:
        train(program, task, f"{runs}/{task}", data)
    train(program, "classification", f"{runs}/classification-wide", data,
          "--set", "model.hidden=48")
    damaged_run(f"{runs}/language", f"{runs}/damaged")
    old_run(f"{runs}/language", f"{runs}/earlier-program")
    daemon_run(f"{runs}/language", f"{runs}/given-up")
    many_seeds(f"{runs}/classification", f"{folder}/many/sweep", seeds)
    long_run(f"{runs}/language", f"{folder}/long/run", rows)
    return data, runs
