"""`EmbeddingModule`: rows of a learned table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from modules.base import OneSourceModule, Shape, positive


class EmbeddingModule(OneSourceModule):
    """Integers `[...]` below `num_embeddings` -> `[..., embedding_dim]`; initial weights as of `ActionEmbeddingModule`.

    Args:
        num_embeddings: rows of the table.
        embedding_dim: E.

    Raises:
        ConfigError: a size that is not positive.
    """

    io_sizes = ("embedding_dim",)

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        *,
        in_keys: Sequence[str] = ("input",),
        out_keys: Sequence[str] = ("output",),
    ) -> None:
        positive(num_embeddings=num_embeddings, embedding_dim=embedding_dim)
        super().__init__(in_keys, out_keys)
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        self.weight = nn.Embedding(num_embeddings, embedding_dim).weight
        nn.init.orthogonal_(self.weight)
        with torch.no_grad():
            self.weight.mul_(0.1 / self.weight.abs().max())

    def compute(self, x: Tensor) -> Tensor:
        """Integers `x` `[...]` -> `[..., embedding_dim]`."""
        return F.embedding(x, self.weight)

    @classmethod
    def output_shape(cls, in_shapes: tuple[Shape, ...], options: Mapping[str, Any]) -> Shape:
        """The input's shape and `embedding_dim`; the old stack announced `[0, embedding_dim]` for all."""
        return (*in_shapes[0], options["embedding_dim"])
