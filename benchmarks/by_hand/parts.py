"""What the hand-written agents have in common: their heads, and the step from logits to actions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

# B batch, T time, N = B * T, A actions, E embedding, K bilinear scores, H hidden, L recurrent layers
HIDDEN, ACTOR, CRITIC, LAYERS = 128, 512, 1024, 2
EMBEDDINGS, EMBEDDING = 100, 16
Step = tuple[Callable[..., Any], Sequence[str], Sequence[str]]
"""A part of an agent, the names of what it reads, and of what it writes."""


class SingleHead(nn.Module):
    """Hidden states `[N, H]` -> logits `[N, A]`: `tanh(h W) . e + bias` for each action's embedding `e`.

    As in the old stack, the product with `W` runs once per state and action.
    """

    active: Tensor

    def __init__(self, actions: int, scores: int = 1) -> None:
        super().__init__()
        self.embeds = nn.Embedding(EMBEDDINGS, EMBEDDING)
        self.W = nn.Parameter(torch.empty(scores, ACTOR, EMBEDDING))
        self.bias = nn.Parameter(torch.empty(scores))
        self.register_buffer("active", torch.zeros(actions, dtype=torch.long))

    def forward(self, hidden: Tensor) -> Tensor:
        """Hidden states `[N, H]` -> logits `[N, A]`."""
        return self.scores(hidden).view(hidden.shape[0], -1)

    def scores(self, hidden: Tensor) -> Tensor:
        """`[N, H]` -> `[N * A, K]`."""
        embeds_AE = self.embeds(self.active)
        rows, actions = hidden.shape[0], embeds_AE.shape[0]
        hidden = hidden.unsqueeze(1).expand(-1, actions, -1).reshape(rows * actions, -1)
        embeds = embeds_AE.expand(rows, -1, -1).reshape(rows * actions, -1)
        query = torch.tanh(torch.einsum("nh,khe->nke", hidden, self.W))
        return torch.einsum("nke,ne->nk", query, embeds) + self.bias


class BigHead(SingleHead):
    """Hidden states `[N, H]` -> logits `[N, A]`: 32 scores per action, and a network of one hidden layer on them."""

    def __init__(self, actions: int) -> None:
        super().__init__(actions, scores=32)
        self.mlp = nn.Sequential(nn.Linear(32, 512), nn.ReLU(), nn.Linear(512, 1))

    def forward(self, hidden: Tensor) -> Tensor:
        """Hidden states `[N, H]` -> logits `[N, A]`."""
        scores: Tensor = self.mlp(torch.relu(self.scores(hidden)))
        return scores.view(hidden.shape[0], -1)


class Actions(nn.Module):
    """Logits to actions, and back.

    Attributes:
        pairs: `[A, 2]`, type and parameter of each action.
        first: the number of each type's first action.
    """

    pairs: Tensor
    first: Tensor

    def __init__(self, max_params: Sequence[int], dtype: torch.dtype) -> None:
        super().__init__()
        pairs = [[kind, i] for kind, largest in enumerate(max_params) for i in range(largest + 1)]
        first = [sum(largest + 1 for largest in max_params[:kind]) for kind in range(len(max_params))]
        self.register_buffer("pairs", torch.tensor(pairs, dtype=dtype), persistent=False)
        self.register_buffer("first", torch.tensor(first), persistent=False)

    def sample(self, logits: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Logits `[N, A]` -> actions `[N, 2]`, their log-probabilities `[N]`, entropy `[N]`, all `[N, A]`."""
        log_probs = F.log_softmax(logits, dim=-1)
        probs = log_probs.exp()
        index = torch.multinomial(probs, 1)
        log_prob = log_probs.gather(1, index).squeeze(1)
        return self.pairs[index.squeeze(1)], log_prob, -(probs * log_probs).sum(-1), log_probs

    def evaluate(self, logits: Tensor, action: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Logits `[N, A]`, actions `[..., 2]` -> the actions as given, and what `sample` says of them."""
        kind, parameter = action.reshape(-1, 2).long().unbind(1)
        log_probs = F.log_softmax(logits, dim=-1)
        probs = log_probs.exp()
        log_prob = log_probs.gather(1, (self.first[kind] + parameter).unsqueeze(1)).squeeze(1)
        return action, log_prob, -(probs * log_probs).sum(-1), log_probs


class Agent(nn.Module):
    """What is behind the encoder: a recurrent core, a critic, an actor.

    Args:
        head: scores of actions.
        actions: which actions there are.
    """

    def __init__(self, head: SingleHead, actions: Actions) -> None:
        super().__init__()
        self.core = nn.LSTM(HIDDEN, HIDDEN, LAYERS)
        self.critic, self.value = nn.Linear(HIDDEN, CRITIC), nn.Linear(CRITIC, 1)
        self.actor, self.head, self.actions = nn.Linear(HIDDEN, ACTOR), head, actions

    def recur(self, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Rows `[N, H]`, state `[L, B, H]` -> rows `[N, H]`, new state."""
        y, (h, c) = self.core(x.view(h.shape[1], -1, HIDDEN).transpose(0, 1), (h, c))
        return y.transpose(0, 1).reshape(-1, HIDDEN), h.detach(), c.detach()

    def steps(self) -> list[Step]:
        """The encoder as a list of parts, from `obs` to `encoded`."""
        raise NotImplementedError

    def all_steps(self, *, sampling: bool, relu: bool) -> list[Step]:
        """The whole agent as a list of parts.

        Args:
            sampling: whether actions are drawn; they are in `action` otherwise.
            relu: whether there is one behind the core.
        """
        outputs = ("action", "log_prob", "entropy", "log_probs")
        features = "features" if relu else "recurrent"
        last: Step = (self.actions.sample, ("logits",), outputs)
        if not sampling:
            last = (self.actions.evaluate, ("logits", "action"), outputs)
        return [
            *self.steps(),
            (self.recur, ("encoded", "h", "c"), ("recurrent", "next_h", "next_c")),
            *cast(list[Step], [(nn.ReLU(), ("recurrent",), ("features",))] if relu else []),
            (nn.Sequential(self.critic, nn.Tanh()), (features,), ("critic",)),
            (self.value, ("critic",), ("value",)),
            (nn.Sequential(self.actor, nn.ReLU()), (features,), ("actor",)),
            (self.head, ("actor",), ("logits",)),
            last,
        ]
