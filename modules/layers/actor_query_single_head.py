"""`ActorQuerySingleHeadModule`: what the hidden state asks of an action."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from modules.base import ActionScoresModule, Shape, positive

# N batch times time, A actions, H hidden, E embedding


class ActorQuerySingleHeadModule(ActionScoresModule):
    """Hidden state `[N, H]` -> query `[N, E]`: `tanh(h W)`; it reads action embeddings too, and nothing of them but E.

    Args:
        hidden_size: H.
        embedding_dim: E.

    Raises:
        ConfigError: a size that is not positive.
    """

    def __init__(
        self,
        hidden_size: int,
        embedding_dim: int,
        *,
        in_keys: Sequence[str] = ("hidden", "action_embeddings"),
        out_keys: Sequence[str] = ("query",),
    ) -> None:
        positive(hidden_size=hidden_size, embedding_dim=embedding_dim)
        super().__init__(in_keys, out_keys)
        self.hidden_size, self.embedding_dim = hidden_size, embedding_dim
        self.W = nn.Parameter(torch.empty(hidden_size, embedding_dim))
        bound = 1 / math.sqrt(hidden_size)
        nn.init.uniform_(self.W, -bound, bound)

    def compute(self, hidden: Tensor, _: Tensor) -> Tensor:
        """`hidden` `[N, H]`, and anything -> `[N, E]`."""
        return torch.tanh(torch.einsum("nh,he->ne", hidden, self.W))

    @classmethod
    def output_shape(cls, in_shapes: tuple[Shape, ...], options: Mapping[str, Any]) -> Shape:
        """`(E,)`."""
        return (options["embedding_dim"],)
