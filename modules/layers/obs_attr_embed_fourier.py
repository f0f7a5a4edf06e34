"""`ObsAttrEmbedFourierModule`: a learned vector per feature, waves of the cell, and the value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from modules.base import PADDING, Shape, TokenSourceModule, positive

# N batch times time, M tokens, E embedding, K frequencies


class ObsAttrEmbedFourierModule(TokenSourceModule):
    """`[N, M, 3]` tokens (cell, feature, value) -> `[N, M, E + 4 * K + 1]` float32.

    In this order: the vector of the feature, cos and sin of the row, cos and sin of the column, each at the frequencies
    1, 2, 4, ..., and the value as it is. Positions 0 to 10 become -1 to 1. Padding has row and column 15, and a vector
    that is initialised like the others and never trained.

    Args:
        embedding_dim: E.
        num_frequencies: K; the frequencies stand in the buffer `frequencies` `[K]`.

    Raises:
        ConfigError: a size that is not positive.
    """

    io_sizes = ("embedding_dim", "num_frequencies")
    frequencies: Tensor

    def __init__(
        self,
        embedding_dim: int,
        num_frequencies: int = 3,
        *,
        in_keys: Sequence[str] = ("input",),
        out_keys: Sequence[str] = ("output",),
    ) -> None:
        positive(embedding_dim=embedding_dim, num_frequencies=num_frequencies)
        super().__init__(in_keys, out_keys)
        self.embedding_dim, self.num_frequencies = embedding_dim, num_frequencies
        self.feature_embedding = self._table(embedding_dim)
        self.register_buffer("frequencies", 2.0 ** torch.arange(num_frequencies))

    def compute(self, x: Tensor) -> Tensor:
        """`x` `[N, M, 3]` -> `[N, M, E + 4 * K + 1]`."""
        feature = F.embedding(x[..., 1].long(), self.feature_embedding, PADDING)
        cell = x[..., 0].to(torch.uint8)
        row, column = self._angles(cell >> 4), self._angles(cell & 0x0F)
        return torch.cat([feature, row.cos(), row.sin(), column.cos(), column.sin(), x[..., 2:].float()], dim=-1)

    def _angles(self, position: Tensor) -> Tensor:
        return (position / 10.0 * 2.0 - 1.0).unsqueeze(-1) * self.frequencies

    @classmethod
    def output_shape(cls, in_shapes: tuple[Shape, ...], options: Mapping[str, Any]) -> Shape:
        """`(M, E + 4 * K + 1)`."""
        return (in_shapes[0][0], options["embedding_dim"] + 4 * options.get("num_frequencies", 3) + 1)
