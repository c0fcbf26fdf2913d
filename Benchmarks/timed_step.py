"""What all engines share that time whole training steps as `gru-dist bench step` does: the options,
how many parameters the model has, and the JSON object that is printed."""

import argparse
import json
import resource
import statistics
import sys


def arguments(description, **choices):
    """Options of a run; `choices` narrows those of --cell and --precision."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--cell", choices=choices.get("cell", ["gru", "rnn"]), default="gru")
    parser.add_argument(
        "--precision", choices=choices.get("precision", ["fp32", "bf16"]), default="fp32")
    for name, default in (
            ("vocabulary", 256), ("embedding", 128), ("hidden", 512), ("layers", 2),
            ("window", 64), ("batch", 64), ("threads", 1), ("steps", 20), ("warmup", 3)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--peak-gflops", type=float, help="of `gru-dist bench peak`, to divide by")
    return parser


def parameter_count(cell, vocabulary, embedding, hidden, layers):
    """Trained values of the same model in gru-dist, and those of them in the embedding table.

    nn.GRU and nn.RNN hold a second bias where one does; it is not counted.
    """
    gates = 3 if cell == "gru" else 1
    inputs = embedding + (layers - 1) * hidden
    recurrent = gates * hidden * (inputs + layers * (hidden + 1))
    table = vocabulary * embedding
    return table + recurrent + vocabulary * (hidden + 1), table


def show(options, engine, isa, seconds, loss):
    """Prints the record of a run: the seconds of its steps after warm-up, and the last loss."""
    step = statistics.median(seconds)
    sizes = (options.cell, options.vocabulary, options.embedding, options.hidden, options.layers)
    parameters, table = parameter_count(*sizes)
    speed = options.window * options.batch / step
    gflops = 6 * (parameters - table) * speed / 1e9
    peak = options.peak_gflops
    usage = resource.getrusage(resource.RUSAGE_SELF)
    # Linux counts kilobytes, macOS bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    print(json.dumps({
        "bench": "step", "engine": engine, "cell": options.cell,
        "vocabulary": options.vocabulary, "embedding": options.embedding,
        "hidden": options.hidden, "layers": options.layers, "window": options.window,
        "batch": options.batch, "threads": options.threads, "steps": options.steps,
        "parameters": parameters, "step_seconds": step, "tokens_per_second": speed,
        "gflops": gflops, "peak_gflops": peak,
        "fraction_of_peak": gflops / peak if peak else None,
        "peak_rss_bytes": usage.ru_maxrss * unit, "page_faults": usage.ru_minflt,
        "isa": isa, "loss": loss,
    }))
