"""What the measuring scripts share: the program, its environment, and runs that end, with all that
they started, when they take too long or the script is stopped."""

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

FOLDER = pathlib.Path(__file__).resolve().parent
LAB = FOLDER.parent / "launch" / "lab"
SCRIPT = f"Benchmarks/{pathlib.Path(sys.argv[0]).name}"


class RunFailed(Exception):
    """A run that did not print its result."""


def fail(reason):
    sys.exit(f"{SCRIPT}: {reason}")


def built_program():
    try:
        path = subprocess.run(
            ["swift", "build", "--show-bin-path"], cwd=FOLDER.parent, check=True, text=True,
            stdout=subprocess.PIPE).stdout.strip()
    except (OSError, subprocess.CalledProcessError) as error:
        fail(f"{error}; --program names a gru-dist that is built")
    if not os.access(f"{path}/gru-dist", os.X_OK):
        fail(f"{path}/gru-dist is missing; run `swift build` first, or name one by --program")
    return f"{path}/gru-dist"


def build_switch():
    """Builds the laboratory's switch, which `swift build --product gru-dist` leaves out."""
    try:
        subprocess.run(
            ["swift", "build", "--product", "lab-switch"], cwd=FOLDER.parent, check=True,
            stdout=sys.stderr)
    except (OSError, subprocess.CalledProcessError) as error:
        fail(f"{error}: the laboratory's switch could not be built")


def environment():
    """What mpirun needs, as in launch/env."""
    names = subprocess.run(
        ["sh", "-c", f". '{FOLDER.parent}/launch/env' && env -0"], check=True, text=True,
        stdout=subprocess.PIPE).stdout
    return dict(line.split("=", 1) for line in names.split("\0") if "=" in line)


def end_on_signals():
    """Turns signals that would end this script at once into an exit that cleans up."""
    def leave(number, _):
        # A second one would disturb the cleaning up.
        for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(name, signal.SIG_IGN)
        print(f"{SCRIPT}: stopped by {signal.Signals(number).name}", file=sys.stderr)
        sys.exit(128 + number)

    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, leave)


def start(command, settings):
    """A process that leads a session of its own, so that `stop` finds all that it starts."""
    # A file, not a pipe: nobody reads it while the process runs.
    words = tempfile.TemporaryFile("w+", errors="replace")
    process = subprocess.Popen(
        command, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=words,
        env=settings, start_new_session=True)
    process.words = words
    return process


def session(leader):
    """The processes of a session: mpirun gives its ranks groups of their own, but no session."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            # After the name, which may hold anything: state, parent, group, session.
            fields = path.read_text().rpartition(")")[2].split()
            if int(fields[3]) == leader and fields[0] != "Z":
                found.append(int(path.parent.name))
    return found


def stop(process):
    """Ends a process that `start` made, and what it started, in good order if it can."""
    # launch/lab passes the first SIGTERM on, and removes its hosts at the second.
    for _ in range(2):
        if process.poll() is not None:
            break
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(5)
    end = time.monotonic() + 5
    left = session(process.pid)
    while left and time.monotonic() < end:
        for pid in left:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)
        left = session(process.pid)
    process.wait()
    process.stdout.close()
    if process.args[0] == str(LAB):
        # Of laboratories whose script is gone; does nothing where there is none.
        subprocess.run([str(LAB), "clean"], check=False)


def result(process, seconds):
    """The JSON object that a process from `start` prints last.

    Raises RunFailed where there is none within so many seconds.
    """
    def failed(reason):
        process.words.seek(0)
        said = "".join(f"\n  {line}" for line in process.words.read().splitlines()[-20:])
        return RunFailed(f"{reason}: {' '.join(map(str, process.args))}{said}")

    try:
        output, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        raise failed(f"no result within {seconds:g} s (--timeout), ended") from None
    finally:
        # What is left of a run that is over must not disturb the next one either.
        stop(process)
    if process.returncode != 0:
        raise failed(f"exit status {process.returncode}, expected 0")
    lines = output.strip().splitlines()
    try:
        return json.loads(lines[-1])
    except (IndexError, ValueError):
        raise failed(f"expected a JSON object as last line, found {lines[-1:]}") from None


def measure(command, settings, seconds, attempts=2):
    """The JSON object that a command prints last; a run that fails is tried again."""
    for attempt in range(attempts):
        try:
            return result(start(command, settings), seconds)
        except RunFailed as error:
            if attempt == attempts - 1:
                fail(error)
            print(f"{SCRIPT}: {error}; trying it again", file=sys.stderr, flush=True)
