"""`ActorModule`: reads a hidden state and action embeddings; `BilinearActorModule`: scores them by bilinear forms."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from modules.errors import ConfigError
from modules.module import MettaModule
from modules.shapes import BuildContext, Shape, positive

# N batch times time, A actions, H hidden, E embedding, K bilinear outputs, M = N * A


class ActorModule(MettaModule):
    """Reads a vector `[N, H]` and action embeddings `[N, A, E]`; writes logits `[N, A]` unless it says otherwise."""

    io_sizes = ("hidden_size", "embedding_dim")

    @classmethod
    def from_context(cls, context: BuildContext) -> dict[str, Any]:
        """H and E, off the two sources.

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


class BilinearActorModule(ActorModule):
    """K bilinear forms of hidden state and action embedding, each with a tanh and a bias.

    Args:
        hidden_size: H.
        embedding_dim: E.
        num_scores: K.

    Raises:
        ConfigError: a size that is not positive.
    """

    def __init__(
        self, hidden_size: int, embedding_dim: int, num_scores: int, in_keys: Sequence[str], out_keys: Sequence[str]
    ) -> None:
        positive(hidden_size=hidden_size, embedding_dim=embedding_dim)
        super().__init__(in_keys, out_keys)
        self.hidden_size, self.embedding_dim = hidden_size, embedding_dim
        self.W = nn.Parameter(torch.empty(num_scores, hidden_size, embedding_dim))
        self.bias = nn.Parameter(torch.empty(num_scores))
        bound = 1 / math.sqrt(hidden_size)
        nn.init.uniform_(self.W, -bound, bound)
        nn.init.uniform_(self.bias, -bound, bound)

    def _scores(self, hidden: Tensor, embeds: Tensor) -> Tensor:
        """`hidden` `[N, H]`, `embeds` `[N, A, E]` -> `tanh(h W_k) . e + bias_k` `[M, K]`.

        The product with `W` runs once per action, as in the old stack; once per state would round differently.
        """
        rows, actions = embeds.shape[:2]
        hidden_MH = hidden.unsqueeze(1).expand(-1, actions, -1).reshape(rows * actions, -1)
        query_MKE = torch.tanh(torch.einsum("mh,khe->mke", hidden_MH, self.W))
        scores_MK = torch.einsum("mke,me->mk", query_MKE, embeds.reshape(rows * actions, -1))
        return scores_MK + self.bias.reshape(1, -1)
