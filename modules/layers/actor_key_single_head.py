"""`ActorKeySingleHeadModule`: the score of each action for a query."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from modules.base import BuildContext, MettaModule, Shape, positive
from modules.errors import ConfigError

# N batch times time, A actions, E embedding


class ActorKeySingleHeadModule(MettaModule):
    """Query `[N, E]` and action embeddings `[N, A, E]` -> logits `[N, A]`: `q . e + bias`.

    Args:
        embedding_dim: E.

    Raises:
        ConfigError: a size that is not positive.
    """

    io_sizes = ("embedding_dim", "embedding_dim")

    def __init__(
        self,
        embedding_dim: int,
        *,
        in_keys: Sequence[str] = ("query", "action_embeddings"),
        out_keys: Sequence[str] = ("logits",),
    ) -> None:
        positive(embedding_dim=embedding_dim)
        super().__init__(in_keys, out_keys)
        self.embedding_dim = embedding_dim
        self.bias = nn.Parameter(torch.empty(1))
        bound = 1 / math.sqrt(embedding_dim)
        nn.init.uniform_(self.bias, -bound, bound)

    def compute(self, query: Tensor, embeds: Tensor) -> Tensor:
        """`query` `[N, E]`, `embeds` `[N, A, E]` -> `[N, A]`."""
        return torch.einsum("ne,nae->na", query, embeds) + self.bias

    @classmethod
    def from_context(cls, context: BuildContext) -> dict[str, Any]:
        """E, off the two sources, which must agree on it.

        Raises:
            ConfigError: "needs two sources, a vector and action embeddings ...", "query and action embeddings ...".
        """
        ranks = [len(shape) for shape in context.in_shapes]
        if ranks != [1, 2]:
            raise ConfigError(f"needs two sources, a vector and action embeddings, got shapes {context.in_shapes}")
        if context.in_shapes[0][0] != context.in_shapes[1][1]:
            raise ConfigError(f"query and action embeddings must have one size, got shapes {context.in_shapes}")
        return {"embedding_dim": context.in_shapes[0][0]}

    @classmethod
    def output_shape(cls, in_shapes: tuple[Shape, ...], options: Mapping[str, Any]) -> Shape:
        """`(A,)`, written as 0: the number of actions is not known before they are activated."""
        return (0,)
