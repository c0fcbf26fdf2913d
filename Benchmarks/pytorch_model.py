"""The language model of gru-dist as PyTorch modules: nn.Embedding, nn.GRU or nn.RNN, nn.Linear."""

import torch


class LanguageModel(torch.nn.Module):
    """Scores of the next token. PyTorch's GRU is the reset-after one.

    Dropout is applied to what each layer and the output layer read.
    """

    def __init__(self, cell, vocabulary, embedding, hidden, layers, dropout=0.0, tied=False):
        super().__init__()
        kind = {"gru": torch.nn.GRU, "rnn": torch.nn.RNN}[cell]
        self.drop = torch.nn.Dropout(dropout)
        self.embedding = torch.nn.Embedding(vocabulary, embedding)
        self.recurrent = kind(embedding, hidden, layers, dropout=dropout if layers > 1 else 0.0)
        self.output = torch.nn.Linear(hidden, vocabulary)
        if tied:
            self.output.weight = self.embedding.weight

    def forward(self, tokens, state):
        """Tokens [T, B] and state [L, B, H] to logits [T, B, V] and the new state."""
        hidden, state = self.recurrent(self.drop(self.embedding(tokens)), state)
        return self.output(self.drop(hidden)), state


@torch.no_grad()
def initialize(model):
    """The distributions that gru-dist starts from."""
    hidden = model.recurrent.hidden_size
    model.embedding.weight.uniform_(-(3 ** 0.5), 3 ** 0.5)
    for name, tensor in model.recurrent.named_parameters():
        if name.startswith("weight_hh"):
            for block in tensor.split(hidden):
                torch.nn.init.orthogonal_(block)
        elif name.startswith("weight_ih"):
            bound = (6 / (tensor.shape[1] + hidden)) ** 0.5
            tensor.uniform_(-bound, bound)
        else:
            tensor.zero_()
    bound = hidden ** -0.5
    model.output.weight.uniform_(-bound, bound)
    model.output.bias.zero_()


def training_step(model, optimizer, tokens, state, precision="fp32"):
    """Forward, cross-entropy, BPTT, clipping and update; returns the loss and the state after."""
    optimizer.zero_grad(set_to_none=True)
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bf16"):
        logits, state = model(tokens[:-1], state)
        loss = torch.nn.functional.cross_entropy(
            logits.reshape(-1, logits.shape[-1]), tokens[1:].reshape(-1))
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    return loss, state.detach()
