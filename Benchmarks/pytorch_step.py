"""Times whole training steps of a language model in PyTorch, as `gru-dist bench step` does.

A step is forward, cross-entropy, BPTT, gradient clipping and Adam, on random tokens, with the
hidden state carried and detached from step to step. Prints one JSON object with the same fields.
"""

import argparse
import json
import resource
import statistics
import sys
import time

import torch

from pytorch_model import LanguageModel, parameter_count, training_step


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cell", choices=["gru", "rnn"], default="gru")
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="fp32")
    for name, default in (
            ("vocabulary", 256), ("embedding", 128), ("hidden", 512), ("layers", 2),
            ("window", 64), ("batch", 64), ("threads", 1), ("steps", 20), ("warmup", 3)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--peak-gflops", type=float, help="of `gru-dist bench peak`, to divide by")
    return parser.parse_args()


def measure(options):
    """Seconds of each step after warm-up, and the last loss."""
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    model = LanguageModel(
        options.cell, options.vocabulary, options.embedding, options.hidden, options.layers)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.002)
    tokens = torch.randint(options.vocabulary, (options.window + 1, options.batch))
    state = torch.zeros(options.layers, options.batch, options.hidden)
    seconds = []
    for _ in range(options.warmup + options.steps):
        start = time.perf_counter()
        loss, state = training_step(model, optimizer, tokens, state, options.precision)
        seconds.append(time.perf_counter() - start)
    return seconds[options.warmup:], loss.item()


def main():
    options = arguments()
    seconds, loss = measure(options)
    step = statistics.median(seconds)
    sizes = (options.cell, options.vocabulary, options.embedding, options.hidden, options.layers)
    parameters, table = parameter_count(*sizes)
    speed = options.window * options.batch / step
    gflops = 6 * (parameters - table) * speed / 1e9
    peak = options.peak_gflops
    # Linux counts kilobytes, macOS bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    print(json.dumps({
        "bench": "step", "engine": f"torch {torch.__version__}", "cell": options.cell,
        "vocabulary": options.vocabulary, "embedding": options.embedding,
        "hidden": options.hidden, "layers": options.layers, "window": options.window,
        "batch": options.batch, "threads": options.threads, "steps": options.steps,
        "parameters": parameters, "step_seconds": step, "tokens_per_second": speed,
        "gflops": gflops, "peak_gflops": peak,
        "fraction_of_peak": gflops / peak if peak else None,
        "peak_rss_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit,
        "isa": torch.backends.cpu.get_cpu_capability(), "loss": loss,
    }))


if __name__ == "__main__":
    main()
