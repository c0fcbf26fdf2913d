"""Times whole training steps of a language model in JAX, as `gru-dist bench step` does.

The step is that of pytorch_step.py. The layer is a scan with a gradient of its own, which keeps
what the backward pass needs and makes all gradients of weights by one product over all steps, as
XLA does not by itself. With --check its gradients are held against those that JAX derives.
Prints one JSON object with the same fields. Needs `pip install jax`.
"""

import functools
import os
import time

import timed_step

# Decay and size of Adam's steps, as in the other scripts.
RATE, FIRST_DECAY, SECOND_DECAY, EPSILON = 0.002, 0.9, 0.999, 1e-8


def options():
    parser = timed_step.arguments(__doc__.splitlines()[0], cell=["gru"], precision=["fp32"])
    parser.add_argument("--check", action="store_true", help="hold the gradients against JAX's own")
    return parser.parse_args()


def bind(threads):
    """Has XLA compute on so many cores: it starts a thread for each core that it may run on."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


OPTIONS = options()
bind(OPTIONS.threads)
# After the cores are chosen, which XLA counts once.
import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402


def step_forward(U, c, h, gates):
    """A step of a layer: the new state, and what the backward pass needs of it."""
    H = h.shape[1]
    q = h @ U + c
    rz = jax.nn.sigmoid(gates[:, :2 * H] + q[:, :2 * H])
    q = q[:, 2 * H:]
    n = jnp.tanh(gates[:, 2 * H:] + rz[:, :H] * q)
    new = n + rz[:, H:] * (h - n)
    return new, (new, h, rz, n, q)


def plain_layer(x, h0, W, U, b, c):
    """x [T, B, E], h0 [B, H], W [E, 3H], U [H, 3H], b and c [3H] to the states and the last one."""
    last, (states, *_) = jax.lax.scan(functools.partial(step_forward, U, c), h0, x @ W + b)
    return states, last


@jax.custom_vjp
def layer(*arguments):
    """The same, with the gradient below."""
    return plain_layer(*arguments)


def forward(x, h0, W, U, b, c):
    last, (states, *kept) = jax.lax.scan(
        functools.partial(step_forward, U, c), h0, x @ W + b)
    return (states, last), (x, W, U, *kept)


def backward(kept, gradients):
    x, W, U, before, rz, candidates, q = kept
    dy, dh = gradients
    H = U.shape[0]

    def step(dh, slices):
        dy, h, rz, n, q = slices
        r, z = rz[:, :H], rz[:, H:]
        dh = dh + dy
        dn = dh * (1 - z) * (1 - n * n)
        gates = jnp.concatenate(
            [dn * q * r * (1 - r), dh * (h - n) * z * (1 - z), dn * r], 1)
        return dh * z + gates @ U.T, (gates, dn)

    dh0, (of_state, of_candidate) = jax.lax.scan(
        step, dh, (dy, before, rz, candidates, q), reverse=True)
    of_inputs = jnp.concatenate([of_state[..., :2 * H], of_candidate], -1)

    def rows(tensor):
        return tensor.reshape(-1, tensor.shape[-1])

    return (of_inputs @ W.T, dh0, rows(x).T @ rows(of_inputs), rows(before).T @ rows(of_state),
            rows(of_inputs).sum(0), rows(of_state).sum(0))


layer.defvjp(forward, backward)


def initial(generator, sizes):
    """Parameters: uniform numbers."""
    def weights(*shape):
        return jnp.asarray(generator.uniform(-0.05, 0.05, shape), jnp.float32)

    V, E, H = sizes.vocabulary, sizes.embedding, sizes.hidden
    return {
        "embedding": weights(V, E), "output": weights(H, V), "bias": weights(V),
        "layers": [[weights(H if index else E, 3 * H), weights(H, 3 * H), weights(3 * H),
                    weights(3 * H)] for index in range(sizes.layers)],
    }


def loss(parameters, tokens, state, layer=layer):
    """Mean cross-entropy of the next tokens, and the state after the window."""
    x, last = parameters["embedding"][tokens[:-1]], []
    for own, h0 in zip(parameters["layers"], state):
        x, h = layer(x, h0, *own)
        last.append(h)
    scores = jax.nn.log_softmax(x @ parameters["output"] + parameters["bias"])
    return -jnp.take_along_axis(scores, tokens[1:, :, None], -1).mean(), jnp.stack(last)


@functools.partial(jax.jit, donate_argnums=(0, 1, 2, 5))
def train(parameters, first, second, count, tokens, state):
    """A step: gradients, clipped by their norm to 1, and Adam."""
    (value, state), gradients = jax.value_and_grad(loss, has_aux=True)(parameters, tokens, state)
    norm = jnp.sqrt(sum((g * g).sum() for g in jax.tree.leaves(gradients)))
    clip = jnp.minimum(1.0, 1.0 / norm)
    first = jax.tree.map(
        lambda m, g: FIRST_DECAY * m + (1 - FIRST_DECAY) * clip * g, first, gradients)
    second = jax.tree.map(
        lambda v, g: SECOND_DECAY * v + (1 - SECOND_DECAY) * (clip * g) ** 2, second, gradients)
    rate = RATE / (1 - FIRST_DECAY ** count)
    scale = 1 / (1 - SECOND_DECAY ** count)
    parameters = jax.tree.map(
        lambda p, m, v: p - rate * m / (jnp.sqrt(scale * v) + EPSILON), parameters, first, second)
    return parameters, first, second, value, state


def measure(sizes):
    """Seconds of each step after warm-up, and the last loss."""
    generator = np.random.default_rng(1)
    parameters = initial(generator, sizes)
    first, second = (jax.tree.map(jnp.zeros_like, parameters) for _ in range(2))
    tokens = jnp.asarray(
        generator.integers(0, sizes.vocabulary, (sizes.window + 1, sizes.batch)))
    state = jnp.zeros((sizes.layers, sizes.batch, sizes.hidden))
    seconds = []
    # The first step compiles.
    for count in range(1, max(1, sizes.warmup) + sizes.steps + 1):
        start = time.perf_counter()
        parameters, first, second, value, state = train(
            parameters, first, second, jnp.float32(count), tokens, state)
        value.block_until_ready()
        seconds.append(time.perf_counter() - start)
    return seconds[-sizes.steps:], float(value)


def check():
    """The largest difference between the gradients of the two layers."""
    generator = np.random.default_rng(3)
    sizes = timed_step.arguments("").parse_args(
        "--vocabulary 7 --embedding 11 --hidden 16 --layers 2".split())
    parameters = jax.tree.map(lambda p: 10 * p, initial(generator, sizes))
    tokens = jnp.asarray(generator.integers(0, 7, (10, 5)))
    state = jnp.asarray(generator.uniform(-1, 1, (2, 5, 16)), jnp.float32)

    def total(parameters, state, layer):
        value, last = loss(parameters, tokens, state, layer)
        return value + (last * last).sum()

    own, derived = (
        jax.grad(total, argnums=(0, 1))(parameters, state, kind) for kind in (layer, plain_layer))
    return max(
        float(jnp.abs(a - b).max()) for a, b in zip(jax.tree.leaves(own), jax.tree.leaves(derived)))


def main():
    if OPTIONS.check:
        difference = check()
        assert difference < 1e-4, difference
        print(f"gradients are those that JAX derives, within {difference:.1e}")
        return
    seconds, value = measure(OPTIONS)
    timed_step.show(OPTIONS, f"jax {jax.__version__}", jax.default_backend(), seconds, value)


if __name__ == "__main__":
    main()
