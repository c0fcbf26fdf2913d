"""Times whole training steps of a language model under PyTorch's DistributedDataParallel (gloo), one
rank of several, each with its part of the batch. Started by mpirun:

    mpirun -np 4 python3 Benchmarks/pytorch_ddp.py --batch 256

A step is that of pytorch_step.py. Rank 0 prints one JSON object with the same fields.
"""

import argparse
import datetime
import json
import os
import statistics
import time

import torch
import torch.distributed
from torch.nn.parallel import DistributedDataParallel

from pytorch_model import LanguageModel, training_step
from timed_step import parameter_count


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default in (
            ("vocabulary", 256), ("embedding", 128), ("hidden", 512), ("layers", 2),
            ("window", 64), ("batch", 64), ("threads", 1), ("steps", 10), ("warmup", 2)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--master", default="127.0.0.1", help="the address of rank 0's host")
    parser.add_argument("--port", type=int, default=29511)
    parser.add_argument("--timeout", type=float, default=180,
                        help="seconds after which an exchange has failed")
    return parser.parse_args()


def main():
    options = arguments()
    rank = int(os.environ.get("OMPI_COMM_WORLD_RANK", 0))
    world = int(os.environ.get("OMPI_COMM_WORLD_SIZE", 1))
    if options.batch % world:
        raise SystemExit(f"--batch {options.batch} does not divide by {world} ranks")
    torch.set_num_threads(options.threads)
    torch.distributed.init_process_group(
        "gloo", init_method=f"tcp://{options.master}:{options.port}", rank=rank, world_size=world,
        timeout=datetime.timedelta(seconds=options.timeout))
    torch.manual_seed(1)
    model = DistributedDataParallel(LanguageModel(
        "gru", options.vocabulary, options.embedding, options.hidden, options.layers))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.002)
    part = options.batch // world
    torch.manual_seed(2 + rank)
    tokens = torch.randint(options.vocabulary, (options.window + 1, part))
    state = torch.zeros(options.layers, part, options.hidden)
    seconds = []
    for _ in range(options.warmup + options.steps):
        start = time.perf_counter()
        _, state = training_step(model, optimizer, tokens, state)
        seconds.append(time.perf_counter() - start)
    torch.distributed.barrier()
    if rank == 0:
        step = statistics.median(seconds[options.warmup:])
        parameters, _ = parameter_count(
            "gru", options.vocabulary, options.embedding, options.hidden, options.layers)
        print(json.dumps({
            "bench": "step", "engine": f"torch {torch.__version__}, DDP over gloo",
            "ranks": world, "batch": options.batch, "hidden": options.hidden,
            "parameters": parameters, "step_seconds": step,
            "tokens_per_second": options.window * options.batch / step}))
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main()
