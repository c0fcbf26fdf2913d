"""Writes and checks the files with which Tests/InterchangeTests compares other libraries' models.

    python3 Tests/References/interchange.py            # writes torch-*, keras-*, task-*
    python3 Tests/References/interchange.py check FILE.onnx REFERENCE.json

The first needs torch (2.13.0 wrote the files here), safetensors and keras (3.15.1, on PyTorch):
for each module a state dict with both biases drawn, as safetensors, and the tokens [T, B], state
[L, B, H] ([2, L, B, H] of an LSTM) and logits [T, B, V] of one window, computed by the library
itself. The models of task-* are not language models: instead of tokens there are features [T, B, F]
and lengths [B].

The second needs onnx and onnxruntime (1.23.2 and 1.32.0): it checks the model file, runs it on the
window of REFERENCE.json, and prints the largest difference of outputs and final state. Without a
state there, the model starts from its own.
"""

import json
import os
import pathlib
import sys

import numpy

VOCABULARY, EMBEDDING, HIDDEN, LAYERS, STEPS, SEQUENCES = 11, 5, 6, 2, 4, 3
FEATURES, LENGTHS = 2, [4, 1, 3]
FOLDER = pathlib.Path(__file__).parent


def record(name, module, cell, tokens, state, logits):
    write(name, {
        "module": module, "cell": cell, "vocabulary": VOCABULARY, "embedding": EMBEDDING,
        "hidden": HIDDEN, "layers": LAYERS, "window": STEPS, "sequences": SEQUENCES,
        "inputs": tokens.reshape(-1).tolist(), "state": state.reshape(-1).tolist(),
        "logits": logits.reshape(-1).tolist(),
    })


def write(name, record):
    lines = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in record.items()]
    (FOLDER / f"{name}.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


def write_torch(name, kind, cell):
    import torch
    from safetensors.torch import save_file

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder = torch.nn.Embedding(VOCABULARY, EMBEDDING)
            self.rnn = kind(EMBEDDING, HIDDEN, LAYERS)
            self.decoder = torch.nn.Linear(HIDDEN, VOCABULARY)

        def forward(self, tokens, state):
            hidden, state = self.rnn(self.encoder(tokens), state)
            return self.decoder(hidden)

    vectors = (2,) if kind is torch.nn.LSTM else ()

    torch.manual_seed(7)
    model = Model()
    tokens = torch.randint(0, VOCABULARY, (STEPS, SEQUENCES))
    state = torch.randn(*vectors, LAYERS, SEQUENCES, HIDDEN) / 2
    save_file(model.state_dict(), FOLDER / f"{name}.safetensors")
    logits = model(tokens, tuple(state) if vectors else state).detach()
    record(name, kind.__name__, cell, tokens.numpy(), state.numpy(), logits.numpy())


def write_task(name, kind, readout, loss, outputs, layers=1, both=False, learned=False,
               scaled=False, forecast=None):
    import torch
    from safetensors.torch import save_file
    from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn = kind(FEATURES, HIDDEN, layers, bidirectional=both)
            self.output = torch.nn.Linear((1 + both) * HIDDEN, outputs)
            if learned:
                self.initial_state = torch.nn.Parameter(torch.randn((1 + both) * layers, 1, HIDDEN))
            if scaled:
                means, deviations = torch.rand(2, FEATURES, dtype=torch.float64) + 0.5
                self.register_buffer("input_mean", means)
                self.register_buffer("input_deviation", deviations)
            if scaled and forecast:
                self.register_buffer("target_mean", means[forecast])
                self.register_buffer("target_deviation", deviations[forecast])

        def forward(self, features, lengths):
            if scaled:
                features = ((features - self.input_mean) / self.input_deviation).float()
            packed = pack_padded_sequence(features, lengths, enforce_sorted=False)
            initial = self.initial_state.expand(-1, len(lengths), -1) if learned else None
            states, final = self.rnn(packed, initial)
            states, _ = pad_packed_sequence(states)
            if readout == "every":
                read = states
            elif readout == "mean":
                read = states.sum(0) / torch.tensor(lengths)[:, None]
            else:
                read = torch.cat(list(final[-1 - both:]), 1)
            scores = self.output(read)
            if forecast:
                scores = scores.view(len(lengths), -1, len(forecast))
                scores = scores * self.target_deviation + self.target_mean
            return scores, final

    torch.manual_seed(11)
    model = Model()
    features = torch.randint(-2048, 2049, (STEPS, len(LENGTHS), FEATURES)) / 1024
    save_file(model.state_dict(), FOLDER / f"{name}.safetensors")
    scores, final = model(features, LENGTHS)
    values = lambda tensor: tensor.detach().reshape(-1).tolist()
    scales = {
        "means": values(model.input_mean), "deviations": values(model.input_deviation),
    } if scaled else None
    write(name, {
        "module": kind.__name__, "cell": "rnn" if kind is torch.nn.RNN else "gruResetAfter",
        "readout": readout, "loss": loss, "outputs": outputs, "features": FEATURES,
        "hidden": HIDDEN, "layers": layers, "bidirectional": both, "learnsInitialState": learned,
        "scales": scales, "forecast": forecast, "window": STEPS, "lengths": LENGTHS,
        "inputs": values(features), "scores": values(scores),
        "finalState": None if both else values(final),
    })


def write_keras(name, cell):
    os.environ["KERAS_BACKEND"] = "torch"
    import keras
    from safetensors.numpy import save_file

    keras.utils.set_random_seed(5)
    random = numpy.random.default_rng(3)
    embedding = keras.layers.Embedding(VOCABULARY, EMBEDDING)
    options = {"return_sequences": True, "bias_initializer": "random_normal"}
    if cell == "rnn":
        layers = [keras.layers.SimpleRNN(HIDDEN, **options) for _ in range(LAYERS)]
    elif cell == "lstm":
        layers = [keras.layers.LSTM(HIDDEN, **options) for _ in range(LAYERS)]
    else:
        after = cell == "gruResetAfter"
        layers = [keras.layers.GRU(HIDDEN, reset_after=after, **options) for _ in range(LAYERS)]
    dense = keras.layers.Dense(VOCABULARY, bias_initializer="random_normal")
    tokens = random.integers(0, VOCABULARY, (STEPS, SEQUENCES))
    vectors = 2 if cell == "lstm" else 1
    state = random.normal(size=(vectors, LAYERS, SEQUENCES, HIDDEN)).astype("f4") / 2
    hidden = embedding(tokens.T)
    for layer, initial in zip(layers, state.swapaxes(0, 1)):
        hidden = layer(
            hidden, initial_state=[keras.ops.convert_to_tensor(vector) for vector in initial])
    logits = keras.ops.convert_to_numpy(dense(hidden)).swapaxes(0, 1)
    tensors = {"embedding.embeddings": embedding.get_weights()[0]}
    for index, layer in enumerate(layers):
        names = ("kernel", "recurrent_kernel", "bias")
        tensors |= {f"layers.{index}.{n}": w for n, w in zip(names, layer.get_weights())}
    tensors["output.kernel"], tensors["output.bias"] = dense.get_weights()
    # The writer takes memory as it lies, also of a transposed array.
    tensors = {key: numpy.ascontiguousarray(value) for key, value in tensors.items()}
    save_file(tensors, FOLDER / f"{name}.safetensors")
    record(name, f"keras {type(layers[0]).__name__}", cell, tokens, state, logits)


def check(model_file, reference_file):
    import onnx
    import onnxruntime

    onnx.checker.check_model(onnx.load(model_file), full_check=True)
    reference = json.loads(pathlib.Path(reference_file).read_text())
    shape = lambda *names: [reference[name] for name in names]
    counted = slice(None)
    if "features" in reference:
        lengths = numpy.array(reference["lengths"], "i4")
        size = [reference["window"], len(lengths), reference["features"]]
        beyond = numpy.arange(size[0])[:, None] >= lengths
        inputs = {"features": numpy.array(reference["inputs"], "f4").reshape(size)}
        # What stands beyond a sequence's end must not matter.
        inputs["features"][beyond] = 1e6
        inputs["lengths"] = lengths
        if reference["readout"] == "every":
            counted = numpy.repeat(~beyond.reshape(-1), reference["outputs"])
    else:
        inputs = {
            "tokens": numpy.array(reference["inputs"], "i8").reshape(shape("window", "sequences")),
        }
    if "state" in reference:
        states = numpy.array(reference["state"], "f4").reshape(
            [-1] + shape("layers", "sequences", "hidden"))
        inputs |= dict(zip(("initial_state", "initial_cell_state"), states))
    options = onnxruntime.SessionOptions()
    # It warns of every input with a default.
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model_file, options)
    places = {"logits": "logits", "predictions": "scores", "final_state": "finalState"}
    if "features" in reference:
        places["logits"] = "scores"
    if any(output.name == "final_cell_state" for output in session.get_outputs()):
        places["final_cell_state"] = "finalCellState"
        final = reference.get("finalState")
        if final is not None:
            half = len(final) // 2
            reference |= {"finalState": final[:half], "finalCellState": final[half:]}
    names = [output.name for output in session.get_outputs()]
    errors = []
    for name, found in zip(names, session.run(names, inputs)):
        if reference.get(places[name]) is None:
            continue
        differences = numpy.abs(found.reshape(-1) - numpy.array(reference[places[name]]))
        errors.append(differences[slice(None) if name.startswith("final") else counted].max())
    print(float(max(errors)))


if __name__ == "__main__":
    if sys.argv[1:2] == ["check"]:
        check(sys.argv[2], sys.argv[3])
    else:
        import torch

        write_torch("torch-gru", torch.nn.GRU, "gruResetAfter")
        write_torch("torch-rnn", torch.nn.RNN, "rnn")
        write_torch("torch-lstm", torch.nn.LSTM, "lstm")
        write_task(
            "task-classes", torch.nn.GRU, "last", "softmax", 3, layers=2, both=True, scaled=True)
        write_task(
            "task-mean", torch.nn.RNN, "mean", "softmax", 3, layers=2, both=True, learned=True)
        write_task(
            "task-forecast", torch.nn.GRU, "last", "squared", 2 * FEATURES, layers=2, scaled=True,
            forecast=[1, 0])
        write_task("task-labels", torch.nn.GRU, "every", "sigmoid", FEATURES, learned=True)
        for cell, name in [
            ("gruResetBefore", "gru-before"), ("gruResetAfter", "gru-after"), ("rnn", "rnn"),
            ("lstm", "lstm"),
        ]:
            write_keras(f"keras-{name}", cell)
