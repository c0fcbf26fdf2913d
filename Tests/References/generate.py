"""Writes the reference values that Tests/GRUCoreTests compares the language model with.

    python3 Tests/References/generate.py

needs torch (2.13.0 wrote the files here) and numpy. For each cell it draws a small model, one
window of tokens with some targets not counted (-1), and a hidden state carried in from before, and
records logits, final state, summed loss and the gradient of every tensor, all in double precision.

gru-reset-after.json, rnn.json, lstm.json: computed by torch.nn.GRU, RNN and LSTM.
gru-reset-before.json, mingru.json: PyTorch has no such cell. Loss and logits come from the
equations written out in numpy; the gradients from the same equations under torch autograd, once
both losses agree.
bidirectional.json: classes of sequences of several lengths from the last states of both directions,
computed by torch.nn.GRU(bidirectional=True) on packed sequences.

The drawn values are multiples of 1/1024, so that they are exact as float and short as text.
"""

import json
import pathlib

import numpy
import torch

VOCABULARY, EMBEDDING, HIDDEN, LAYERS, STEPS, SEQUENCES = 11, 3, 7, 2, 4, 3
CLASSES, LENGTHS = 5, [4, 1, 3]


def shapes(cell):
    gates = {"rnn": 1, "lstm": 4, "minGRU": 2}.get(cell, 3)
    yield "embedding.weight", (VOCABULARY, EMBEDDING)
    for layer in range(LAYERS):
        inputs = EMBEDDING if layer == 0 else HIDDEN
        yield f"layers.{layer}.input.weight", (gates * HIDDEN, inputs)
        if cell != "minGRU":
            yield f"layers.{layer}.recurrent.weight", (gates * HIDDEN, HIDDEN)
        yield f"layers.{layer}.bias", (gates * HIDDEN,)
        if cell == "gruResetAfter":
            yield f"layers.{layer}.recurrent.bias", (HIDDEN,)
    yield "output.weight", (VOCABULARY, HIDDEN)
    yield "output.bias", (VOCABULARY,)


def draw(cell, seed):
    """A model, a window of tokens [T, B], an initial state [L, B, H] ([2, L, B, H] of an LSTM)."""
    random = numpy.random.default_rng(seed)
    grid = lambda shape, bound: random.integers(-bound, bound + 1, shape) / 1024.0
    parameters = {name: grid(shape, 614) for name, shape in shapes(cell)}
    tokens = random.integers(0, VOCABULARY, (STEPS + 1, SEQUENCES))
    targets = tokens[1:].copy()
    targets[1, 0] = targets[STEPS - 1, SEQUENCES - 1] = -1
    vectors = (2,) if cell == "lstm" else ()
    return parameters, tokens[:-1], targets, grid(vectors + (LAYERS, SEQUENCES, HIDDEN), 900)


def to_pytorch(parameters, prefix, cell):
    """Our tensors of a layer's direction as torch.nn.GRU or RNN names and orders them.

    PyTorch stacks r, z, n and keeps h with weight z, h' = (1 - z) n + z h; ours stacks z, r, h and
    takes the candidate with weight z. So its z is 1 minus ours: the pre-activation changes sign.
    """
    weight, recurrent, bias = (
        parameters[prefix + name] for name in ("input.weight", "recurrent.weight", "bias"))
    if cell in ("rnn", "lstm"):
        return weight, recurrent, bias, torch.zeros_like(bias)
    swap = lambda t: torch.cat([t[HIDDEN:2 * HIDDEN], -t[:HIDDEN], t[2 * HIDDEN:]])
    candidate = parameters[prefix + "recurrent.bias"]
    zeros = torch.zeros(2 * HIDDEN, dtype=candidate.dtype)
    return swap(weight), swap(recurrent), swap(bias), torch.cat([zeros, candidate])


def pytorch_hidden(parameters, embedded, state, cell):
    """Top hidden vectors [T, B, H] and final states [L, B, H] by torch.nn."""
    kind = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM}.get(cell, torch.nn.GRU)
    module = kind(EMBEDDING, HIDDEN, LAYERS, dtype=torch.float64)
    tensors = {}
    for layer in range(LAYERS):
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        for name, tensor in zip(names, to_pytorch(parameters, f"layers.{layer}.", cell)):
            tensors[f"{name}_l{layer}"] = tensor
    initial = tuple(state) if cell == "lstm" else state
    hidden, final = torch.func.functional_call(module, tensors, (embedded, initial))
    return hidden, torch.stack(final) if cell == "lstm" else final


def minimal_hidden(parameters, embedded, state, library):
    """Top hidden vectors [T, B, H] and final states [L, B, H] of a minGRU by the equations."""
    sigmoid = lambda x: 1 / (1 + library.exp(-x))
    inputs, finals = list(embedded), []
    for layer in range(LAYERS):
        weight, bias = (parameters[f"layers.{layer}.{name}"] for name in ("input.weight", "bias"))
        h, outputs = state[layer], []
        for x in inputs:
            sums = x @ weight.T + bias
            z = sigmoid(sums[:, :HIDDEN])
            h = (1 - z) * h + z * sums[:, HIDDEN:]
            outputs.append(h)
        inputs = outputs
        finals.append(h)
    return library.stack(inputs), library.stack(finals)


def reset_before_hidden(parameters, embedded, state, library):
    """Top hidden vectors [T, B, H] and final states [L, B, H] by the equations."""
    sigmoid = lambda x: 1 / (1 + library.exp(-x))
    inputs, finals = list(embedded), []
    for layer in range(LAYERS):
        prefix = f"layers.{layer}."
        w_z, w_r, w_h = (
            parameters[prefix + "input.weight"][i * HIDDEN:(i + 1) * HIDDEN] for i in range(3))
        u_z, u_r, u_h = (
            parameters[prefix + "recurrent.weight"][i * HIDDEN:(i + 1) * HIDDEN] for i in range(3))
        b_z, b_r, b_h = (
            parameters[prefix + "bias"][i * HIDDEN:(i + 1) * HIDDEN] for i in range(3))
        h, outputs = state[layer], []
        for x in inputs:
            z = sigmoid(x @ w_z.T + h @ u_z.T + b_z)
            r = sigmoid(x @ w_r.T + h @ u_r.T + b_r)
            n = library.tanh(x @ w_h.T + (r * h) @ u_h.T + b_h)
            h = z * n + (1 - z) * h
            outputs.append(h)
        inputs = outputs
        finals.append(h)
    return library.stack(inputs), library.stack(finals)


BY_EQUATIONS = {"gruResetBefore": reset_before_hidden, "minGRU": minimal_hidden}


def numpy_loss(logits, targets):
    largest = logits.max(axis=-1, keepdims=True)
    normaliser = largest[..., 0] + numpy.log(numpy.exp(logits - largest).sum(axis=-1))
    score = numpy.take_along_axis(logits, numpy.maximum(targets, 0)[..., None], -1)[..., 0]
    return float((normaliser - score)[targets >= 0].sum())


def solve(cell, parameters, inputs, targets, state):
    """Logits, final state, loss and gradients of one window."""
    tensors = {name: torch.tensor(value, requires_grad=True) for name, value in parameters.items()}
    embedded = tensors["embedding.weight"][torch.tensor(inputs)]
    if cell in BY_EQUATIONS:
        hidden, final = BY_EQUATIONS[cell](tensors, embedded, torch.tensor(state), torch)
    else:
        hidden, final = pytorch_hidden(tensors, embedded, torch.tensor(state), cell)
    logits = hidden @ tensors["output.weight"].T + tensors["output.bias"]
    loss = torch.nn.functional.cross_entropy(
        logits.reshape(-1, VOCABULARY), torch.tensor(targets).reshape(-1),
        ignore_index=-1, reduction="sum")
    loss.backward()
    gradients = {name: tensor.grad.numpy() for name, tensor in tensors.items()}
    return logits.detach().numpy(), final.detach().numpy(), loss.item(), gradients


def bidirectional_shapes():
    yield "embedding.weight", (VOCABULARY, EMBEDDING)
    for layer in range(LAYERS):
        for prefix in (f"layers.{layer}.", f"layers.{layer}.reverse."):
            yield prefix + "input.weight", (3 * HIDDEN, EMBEDDING if layer == 0 else 2 * HIDDEN)
            yield prefix + "recurrent.weight", (3 * HIDDEN, HIDDEN)
            yield prefix + "bias", (3 * HIDDEN,)
            yield prefix + "recurrent.bias", (HIDDEN,)
    yield "output.weight", (CLASSES, 2 * HIDDEN)
    yield "output.bias", (CLASSES,)


def write_bidirectional(file):
    random = numpy.random.default_rng(4)
    parameters = {
        name: random.integers(-614, 615, shape) / 1024.0 for name, shape in bidirectional_shapes()}
    inputs = random.integers(0, VOCABULARY, (STEPS, SEQUENCES))
    targets = random.integers(0, CLASSES, SEQUENCES)
    tensors = {name: torch.tensor(value, requires_grad=True) for name, value in parameters.items()}
    module = torch.nn.GRU(EMBEDDING, HIDDEN, LAYERS, bidirectional=True, dtype=torch.float64)
    weights = {}
    for layer in range(LAYERS):
        for prefix, suffix in ((f"layers.{layer}.", ""), (f"layers.{layer}.reverse.", "_reverse")):
            names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
            for name, tensor in zip(names, to_pytorch(tensors, prefix, "gruResetAfter")):
                weights[f"{name}_l{layer}{suffix}"] = tensor
    embedded = tensors["embedding.weight"][torch.tensor(inputs)]
    packed = torch.nn.utils.rnn.pack_padded_sequence(embedded, LENGTHS, enforce_sorted=False)
    _, final = torch.func.functional_call(module, weights, (packed,))
    read = torch.cat([final[-2], final[-1]], dim=1)
    logits = read @ tensors["output.weight"].T + tensors["output.bias"]
    loss = torch.nn.functional.cross_entropy(logits, torch.tensor(targets), reduction="sum")
    loss.backward()
    write(file, {
        "vocabulary": VOCABULARY, "embedding": EMBEDDING, "hidden": HIDDEN, "layers": LAYERS,
        "classes": CLASSES, "window": STEPS, "lengths": LENGTHS,
        "inputs": inputs.reshape(-1).tolist(), "targets": targets.tolist(), "loss": loss.item(),
        "parameters": {name: numbers(value) for name, value in parameters.items()},
        "gradients": {name: numbers(tensor.grad) for name, tensor in tensors.items()},
    })


def write(file, record):
    lines = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in record.items()]
    file.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    print(f"{file.name}: loss {record['loss']:.12f}")


def numbers(array, digits=13):
    return [float(f"{value:.{digits}g}") for value in numpy.asarray(array).reshape(-1)]


def main():
    folder = pathlib.Path(__file__).parent
    files = {
        "gruResetBefore": "gru-reset-before", "gruResetAfter": "gru-reset-after", "rnn": "rnn",
        "lstm": "lstm", "minGRU": "mingru",
    }
    for seed, (cell, file) in enumerate(files.items(), start=1):
        parameters, inputs, targets, state = draw(cell, seed)
        logits, final, loss, gradients = solve(cell, parameters, inputs, targets, state)
        if cell in BY_EQUATIONS:
            hidden, final = BY_EQUATIONS[cell](
                parameters, parameters["embedding.weight"][inputs], state, numpy)
            mine = hidden @ parameters["output.weight"].T + parameters["output.bias"]
            assert abs(numpy_loss(mine, targets) - loss) < 1e-12 * loss
            logits, loss = mine, numpy_loss(mine, targets)
        write(folder / f"{file}.json", {
            "cell": cell, "vocabulary": VOCABULARY, "embedding": EMBEDDING, "hidden": HIDDEN,
            "layers": LAYERS, "window": STEPS, "sequences": SEQUENCES,
            "inputs": inputs.reshape(-1).tolist(), "targets": targets.reshape(-1).tolist(),
            "state": numbers(state), "loss": loss, "logits": numbers(logits),
            "finalState": numbers(final),
            "parameters": {name: numbers(value) for name, value in parameters.items()},
            "gradients": {name: numbers(value) for name, value in gradients.items()},
        })
    write_bidirectional(folder / "bidirectional.json")


if __name__ == "__main__":
    main()
