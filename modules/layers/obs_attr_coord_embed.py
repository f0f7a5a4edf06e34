"""`ObsAttrCoordEmbedModule`: a learned vector per feature plus one per cell, beside the value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from modules.base import PADDING, Shape, TokenSourceModule, positive

# N batch times time, M tokens, E embedding


class ObsAttrCoordEmbedModule(TokenSourceModule):
    """`[N, M, 3]` tokens (cell, feature, value) -> `[N, M, E + 1]` float32.

    Padding has a vector too, which is initialised like the others and never trained.

    Args:
        embedding_dim: E.

    Raises:
        ConfigError: a size that is not positive.
    """

    io_sizes = ("embedding_dim",)

    def __init__(
        self, embedding_dim: int, *, in_keys: Sequence[str] = ("input",), out_keys: Sequence[str] = ("output",)
    ) -> None:
        positive(embedding_dim=embedding_dim)
        super().__init__(in_keys, out_keys)
        self.embedding_dim = embedding_dim
        self.cell_embedding = self._table(embedding_dim)
        self.feature_embedding = self._table(embedding_dim)

    def compute(self, x: Tensor) -> Tensor:
        """`x` `[N, M, 3]` -> `[N, M, E + 1]`."""
        feature = F.embedding(x[..., 1].long(), self.feature_embedding, PADDING)
        cell = F.embedding(x[..., 0].long(), self.cell_embedding)
        return torch.cat([feature + cell, x[..., 2:].float()], dim=-1)

    @classmethod
    def output_shape(cls, in_shapes: tuple[Shape, ...], options: Mapping[str, Any]) -> Shape:
        """`(M, E + 1)`."""
        return (in_shapes[0][0], options["embedding_dim"] + 1)
