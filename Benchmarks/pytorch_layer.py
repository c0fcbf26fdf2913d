"""A GRU written by hand in PyTorch, with nn.GRU's form, gates and results.

It keeps what the backward pass needs, and makes all gradients of weights of a layer by one product
over all steps, where nn.GRU adds one product a step. Run as a script it holds its outputs and
gradients against those of nn.GRU.
"""

import torch


def product(a, b, is_bf16):
    """a @ b, of bf16 numbers where that is wanted."""
    return (a.bfloat16() @ b.bfloat16()).float() if is_bf16 else a @ b


class Layer(torch.autograd.Function):
    """A layer over a window: T steps, B rows, E inputs, H units.

    Shapes: x [T, B, E], h0 [B, H], weights of inputs W [3H, E] and of the state U [3H, H], their
    biases b and c [3H]; gates in the order reset, update, candidate.
    """

    @staticmethod
    def forward(ctx, x, h0, W, U, b, c):
        is_bf16 = torch.is_autocast_enabled("cpu")
        with torch.autocast("cpu", enabled=False):
            T, B, E = x.shape
            H = U.shape[1]
            inputs = x.float().reshape(T * B, E)
            gates = product(inputs, W.t(), is_bf16).add_(b).view(T, B, 3 * H)
            transposed = U.t().contiguous()
            if is_bf16:
                transposed = transposed.bfloat16()
            states = inputs.new_empty(T + 1, B, H)
            rz = inputs.new_empty(T, B, 2 * H)
            candidates, q = inputs.new_empty(T, B, H), inputs.new_empty(T, B, H)
            states[0] = h0
            for t in range(T):
                if is_bf16:
                    recurrent = product(states[t], transposed, True).add_(c)
                else:
                    recurrent = torch.addmm(c, states[t], transposed)
                torch.sigmoid(gates[t, :, :2 * H] + recurrent[:, :2 * H], out=rz[t])
                q[t] = recurrent[:, 2 * H:]
                torch.tanh(
                    torch.addcmul(gates[t, :, 2 * H:], rz[t, :, :H], q[t]), out=candidates[t])
                torch.lerp(candidates[t], states[t], rz[t, :, H:], out=states[t + 1])
        ctx.save_for_backward(inputs, W, U, states, rz, candidates, q)
        ctx.is_bf16 = is_bf16
        return states[1:].clone(), states[T].clone()

    @staticmethod
    def backward(ctx, dy, dh):
        inputs, W, U, states, rz, candidates, q = ctx.saved_tensors
        is_bf16 = ctx.is_bf16
        T, B, H = candidates.shape
        # Gradients of what the gates add up; the candidate's differ by r between state and inputs.
        of_state = inputs.new_empty(T, B, 3 * H)
        of_candidate = torch.empty_like(candidates)
        weights = U.bfloat16() if is_bf16 else U
        dy, dh = dy.float(), dh.float()
        for t in range(T - 1, -1, -1):
            r, z = rz[t].split(H, 1)
            dh = dh + dy[t]
            dn = dh * (1 - z) * (1 - candidates[t] * candidates[t])
            of_candidate[t] = dn
            torch.mul(dn * q[t], r * (1 - r), out=of_state[t, :, :H])
            torch.mul(
                dh * (states[t] - candidates[t]), z * (1 - z), out=of_state[t, :, H:2 * H])
            torch.mul(dn, r, out=of_state[t, :, 2 * H:])
            if is_bf16:
                dh = (dh * z).add_(product(of_state[t], weights, True))
            else:
                dh = torch.addmm(dh * z, of_state[t], weights)
        of_state = of_state.view(T * B, 3 * H)
        of_inputs = torch.cat([of_state[:, :2 * H], of_candidate.view(T * B, H)], 1)
        before = states[:-1].reshape(T * B, H)
        return (product(of_inputs, W, is_bf16).view(T, B, -1), dh,
                product(of_inputs.t(), inputs, is_bf16), product(of_state.t(), before, is_bf16),
                of_inputs.sum(0), of_state.sum(0))


class GRU(torch.nn.Module):
    """Layers one upon another, called as nn.GRU is."""

    def __init__(self, inputs, hidden, layers):
        super().__init__()
        self.hidden_size = hidden
        bound = hidden ** -0.5

        def parameter(*shape):
            return torch.nn.Parameter(torch.empty(*shape).uniform_(-bound, bound))

        self.layers = torch.nn.ModuleList([
            torch.nn.ParameterList([
                parameter(3 * hidden, hidden if layer else inputs), parameter(3 * hidden, hidden),
                parameter(3 * hidden), parameter(3 * hidden)])
            for layer in range(layers)])

    def forward(self, x, state):
        """x [T, B, E] and state [L, B, H] to the states [T, B, H] and the new state."""
        last = []
        for parameters, h0 in zip(self.layers, state):
            x, h = Layer.apply(x, h0, *parameters)
            last.append(h)
        return x, torch.stack(last)


def check():
    """Holds outputs and gradients against those of nn.GRU; returns the largest difference."""
    torch.manual_seed(3)
    ours, theirs = GRU(11, 16, 2), torch.nn.GRU(11, 16, 2)
    named = dict(theirs.named_parameters())
    pairs = [(own, named[f"{name}_l{layer}"])
             for layer, parameters in enumerate(ours.layers)
             for own, name in zip(parameters, ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))]
    with torch.no_grad():
        for own, other in pairs:
            other.copy_(own)
    x, state = torch.randn(9, 5, 11), torch.randn(2, 5, 16)
    weights = torch.randn(9, 5, 16)
    results = [(y, h) for y, h in (ours(x, state), theirs(x, state))]
    for y, h in results:
        ((y * weights).sum() + h.square().sum()).backward()
    compared = list(zip(*results)) + [(own.grad, other.grad) for own, other in pairs]
    return max((a - b).abs().max().item() for a, b in compared)


if __name__ == "__main__":
    difference = check()
    assert difference < 1e-4, difference
    print(f"outputs and gradients are those of nn.GRU, within {difference:.1e}")
