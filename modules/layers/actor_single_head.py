"""`ActorSingleHeadModule`: a bilinear score of hidden state and action embedding."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from modules.base import BuildContext, MettaModule, Shape, positive
from modules.errors import ConfigError

# N batch times time, A actions, H hidden, E embedding, K bilinear outputs (here 1), M = N * A


class ActorSingleHeadModule(MettaModule):
    """Hidden state `[N, H]` and action embeddings `[N, A, E]` -> logits `[N, A]`: `tanh(h W) . e + bias`.

    Args:
        hidden_size: H.
        embedding_dim: E.

    Raises:
        ConfigError: a size that is not positive.
    """

    io_sizes = ("hidden_size", "embedding_dim")

    def __init__(
        self,
        hidden_size: int,
        embedding_dim: int,
        *,
        in_keys: Sequence[str] = ("hidden", "action_embeddings"),
        out_keys: Sequence[str] = ("logits",),
    ) -> None:
        positive(hidden_size=hidden_size, embedding_dim=embedding_dim)
        super().__init__(in_keys, out_keys)
        self.hidden_size, self.embedding_dim = hidden_size, embedding_dim
        self.W = nn.Parameter(torch.empty(1, hidden_size, embedding_dim))
        self.bias = nn.Parameter(torch.empty(1))
        bound = 1 / math.sqrt(hidden_size)
        nn.init.uniform_(self.W, -bound, bound)
        nn.init.uniform_(self.bias, -bound, bound)

    def compute(self, hidden: Tensor, embeds: Tensor) -> Tensor:
        """`hidden` `[N, H]`, `embeds` `[N, A, E]` -> `[N, A]`.

        The product with `W` runs once per action, as in the old stack; once per state would round differently.
        """
        rows, actions = embeds.shape[:2]
        hidden_MH = hidden.unsqueeze(1).expand(-1, actions, -1).reshape(rows * actions, -1)
        query_MKE = torch.tanh(torch.einsum("mh,khe->mke", hidden_MH, self.W))
        scores_MK = torch.einsum("mke,me->mk", query_MKE, embeds.reshape(rows * actions, -1))
        return (scores_MK + self.bias.reshape(1, 1)).reshape(rows, actions)

    @classmethod
    def from_context(cls, context: BuildContext) -> dict[str, Any]:
        """Both sizes, off the two sources.

        Raises:
            ConfigError: "needs two sources, a vector and action embeddings ...".
        """
        ranks = [len(shape) for shape in context.in_shapes]
        if ranks != [1, 2]:
            raise ConfigError(f"needs two sources, a vector and action embeddings, got shapes {context.in_shapes}")
        return {"hidden_size": context.in_shapes[0][0], "embedding_dim": context.in_shapes[1][1]}

    @classmethod
    def output_shape(cls, in_shapes: tuple[Shape, ...], options: Mapping[str, Any]) -> Shape:
        """`(A,)`, written as 0: the number of actions is not known before they are activated."""
        return (0,)
