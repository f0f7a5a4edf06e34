"""`ActorKeySingleHeadModule`: the score of each action for a query."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from modules.base import ActionScoresModule, BuildContext, positive
from modules.errors import ConfigError

# N batch times time, A actions, E embedding


class ActorKeySingleHeadModule(ActionScoresModule):
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
        sizes = super().from_context(context)
        if sizes["hidden_size"] != sizes["embedding_dim"]:
            raise ConfigError(f"query and action embeddings must have one size, got shapes {context.in_shapes}")
        return {"embedding_dim": sizes["embedding_dim"]}
