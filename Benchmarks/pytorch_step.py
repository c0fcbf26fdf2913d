"""Times whole training steps of a language model in PyTorch, as `gru-dist bench step` does.

A step is forward, cross-entropy, BPTT, gradient clipping and Adam, on random tokens, with the
hidden state carried and detached from step to step. Prints one JSON object with the same fields.
"""

import time

import torch

import pytorch_layer
import timed_step
from pytorch_model import LanguageModel, training_step


def measure(options):
    """Seconds of each step after warm-up, and the last loss."""
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    model = LanguageModel(
        options.cell, options.vocabulary, options.embedding, options.hidden, options.layers)
    if options.written:
        model.recurrent = pytorch_layer.GRU(options.embedding, options.hidden, options.layers)
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
    parser = timed_step.arguments(__doc__.splitlines()[0])
    parser.add_argument("--written", action="store_true",
                        help="the layer of pytorch_layer.py in place of nn.GRU")
    options = parser.parse_args()
    if options.written and options.cell != "gru":
        parser.error("--written is a GRU, and --cell is " + options.cell)
    seconds, loss = measure(options)
    engine = f"torch {torch.__version__}" + (", written layer" if options.written else "")
    timed_step.show(options, engine, torch.backends.cpu.get_cpu_capability(), seconds, loss)


if __name__ == "__main__":
    main()
