"""Holds `gru-dist plan` against steps measured in the laboratory, over a fixed list of settings."""

import json
import os
import pathlib
import random
import statistics
import sys
import tempfile

from measuring import FOLDER, LAB, measure

# Hosts, bandwidth, hidden, batch. On two cores each of two hosts has one of its own; three and four
# share them.
SETTINGS = [
    (2, "100mbit", 256, 64),
    (2, "1gbit", 512, 128),
    (2, "10gbit", 1024, 32),
    (3, "1gbit", 512, 96),
    (4, "100mbit", 512, 256),
    (4, "1gbit", 256, 128),
    (4, "1gbit", 512, 256),
    (4, "10gbit", 1024, 64),
]


def write_config(folder, sizes):
    """A config of these sizes, with a text of random bytes."""
    text = f"{folder}/random.bin"
    count = 4 * sizes["batch"] * sizes["window"] + 1000
    pathlib.Path(text).write_bytes(random.Random(1).randbytes(count))
    path = f"{folder}/config.json"
    pathlib.Path(path).write_text(json.dumps({
        "data": {"train": text, "valid_fraction": 0},
        "model": {key: sizes[key] for key in ("embedding", "hidden", "layers")},
        "batch": {"sequences": sizes["batch"], "window": sizes["window"]},
        "run": {"directory": f"{folder}/run", "validate_every": 0}}))
    return path


def lab_command(hosts, bandwidth, delay, *command):
    return [str(LAB), "--no-build", "--hosts", str(hosts), "--bandwidth", bandwidth, "--delay",
            delay, *command]


def switch_cost(program, bandwidth, delay, settings, timeout):
    """Nanoseconds of CPU time that the laboratory's switch takes for a byte."""
    hosts = 4
    command = lab_command(hosts, bandwidth, delay, sys.executable, str(FOLDER / "switch_cost.py"),
                          program, str(hosts))
    return max(0, measure(command, settings, timeout)["switch_nanoseconds"])


def plan_command(program, config, hosts, bandwidth, delay, switch):
    return [program, "plan", config, "--json", "--seconds=1", f"--hosts={hosts}", "--laboratory",
            f"--switch-nanoseconds={switch}", "--threads=1", f"--bandwidth={bandwidth}",
            f"--latency={delay}"]


def step_command(program, sizes, hosts, bandwidth, delay, steps):
    return lab_command(
        hosts, bandwidth, delay, "mpirun", "-np", str(hosts), program, "bench", "step",
        *(f"--{key}={value}" for key, value in sizes.items()), "--threads=1", f"--steps={steps}",
        "--warmup=2")


def check(options, program, settings):
    """Measures and plans every setting once a round, one after the other; prints medians."""
    rows = []
    for hosts, bandwidth, hidden, batch in SETTINGS:
        sizes = dict(options.sizes, hidden=hidden, batch=batch)
        rows.append({"hosts": hosts, "bandwidth": bandwidth, "delay": options.delay, **sizes,
                     "measured": [], "planned": []})
    keys = list(options.sizes)
    costs = {bandwidth: switch_cost(program, bandwidth, options.delay, settings, options.timeout)
             for bandwidth in dict.fromkeys(row["bandwidth"] for row in rows)}
    print("the switch takes " + ", ".join(
        f"{cost:.2f} ns a byte at {bandwidth}" for bandwidth, cost in costs.items()),
        file=sys.stderr, flush=True)
    for number in range(options.rounds):
        for row in rows:
            sizes = {key: row[key] for key in keys}
            place = (row["hosts"], row["bandwidth"], options.delay)
            with tempfile.TemporaryDirectory() as folder:
                step = measure(step_command(program, sizes, *place, options.steps), settings,
                               options.timeout)
                plan = measure(
                    plan_command(program, write_config(folder, sizes), *place,
                                 costs[row["bandwidth"]]),
                    settings, options.timeout)["step"]
            row["measured"].append(step)
            row["planned"].append(plan)
            print(f"round {number + 1} of {options.rounds}, {row['hosts']} hosts, "
                  f"{row['bandwidth']}, hidden {row['hidden']}, batch {row['batch']}: "
                  f"{step['step_seconds']:.3f} s measured, {plan['step_seconds']:.3f} s planned",
                  file=sys.stderr, flush=True)
    report(options, rows, costs)


def report(options, rows, costs):
    for row in rows:
        runs, plans = row.pop("measured"), row.pop("planned")
        row["measured_seconds"] = statistics.median(run["step_seconds"] for run in runs)
        row["planned_seconds"] = statistics.median(plan["step_seconds"] for plan in plans)
        row["measured_waiting_seconds"] = statistics.median(
            run["exchange_seconds"] for run in runs)
        row["planned_moving_seconds"] = statistics.median(plan["moving_seconds"] for plan in plans)
        row["planned_exposed_seconds"] = statistics.median(
            plan["exposed_exchange_seconds"] for plan in plans)
        # Of pairs that stood beside each other.
        row["error"] = statistics.median(
            plan["step_seconds"] / run["step_seconds"] - 1 for plan, run in zip(plans, runs))
    if options.json:
        print(json.dumps({"bench": "plan", "cores": os.cpu_count(), "rounds": options.rounds,
                          "switch_nanoseconds": costs, "settings": rows,
                          "largest_error": max(abs(row["error"]) for row in rows)}))
        return
    print("| hosts | network | hidden | batch | measured, s | planned, s | error |"
          " waiting, measured | exposed, planned |")
    print("|---:|---|---:|---:|---:|---:|---:|---:|---:|")
    for row in rows:
        print(f"| {row['hosts']} | {row['bandwidth']}, {row['delay']} | {row['hidden']}"
              f" | {row['batch']} | {row['measured_seconds']:.3f} | {row['planned_seconds']:.3f}"
              f" | {row['error']:+.0%} | {row['measured_waiting_seconds']:.3f}"
              f" | {row['planned_exposed_seconds']:.3f} |")
    within = sum(abs(row["error"]) <= 0.15 for row in rows)
    print()
    print(f"{within} of {len(rows)} settings within 15 %.")
