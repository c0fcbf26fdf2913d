"""Measures what the switch of launch/lab costs: the CPU time that it takes for a byte that a host
sends, while ranks exchange gradients and do next to nothing else. Runs in the laboratory:

    launch/lab --hosts 4 python3 Benchmarks/switch_cost.py .build/debug/gru-dist 4
"""

import json
import os
import pathlib
import subprocess
import sys


def switch_process():
    """The switch of the laboratory that this runs in: its interfaces are named for it."""
    prefix = f"lab{os.environ['LAB'].removeprefix('lab-')}-"
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_text().split("\0")
        except OSError:
            continue
        if words[0].endswith("lab-switch") and prefix in words:
            return path.parent
    sys.exit("switch_cost.py: expected to run in launch/lab with its switch, found none")


def exchange(program, ranks, steps, switch):
    """CPU seconds of the switch, and the bytes that all ranks send, in so many small steps."""
    def used():
        return int((switch / "schedstat").read_text().split()[0]) * 1e-9

    before = used()
    done = subprocess.run(
        ["mpirun", "-np", str(ranks), program, "bench", "step", "--batch=8", "--window=4",
         "--threads=1", "--warmup=0", f"--steps={steps}"],
        check=True, stdout=subprocess.PIPE, text=True)
    seconds = used() - before
    parameters = json.loads(done.stdout.strip().splitlines()[-1])["parameters"]
    return seconds, 2 * (ranks - 1) * 4 * parameters * steps


def main():
    program, ranks = sys.argv[1], int(sys.argv[2])
    switch = switch_process()
    # The start of a job costs too; the difference does not contain it.
    short, long = (exchange(program, ranks, steps, switch) for steps in (2, 8))
    print(json.dumps({"switch_nanoseconds": 1e9 * (long[0] - short[0]) / (long[1] - short[1])}))


if __name__ == "__main__":
    main()
