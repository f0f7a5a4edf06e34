"""`ObsAttrCoordValueEmbedModule`: learned vectors per feature, cell and value, added up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor
from torch.nn import functional as F

from modules.base import NUM_IDS, PADDING, Shape, TokenSourceModule, positive

# N batch times time, M tokens, E embedding


class ObsAttrCoordValueEmbedModule(TokenSourceModule):
    """`[N, M, 3]` tokens (cell, feature, value) -> `[N, M, E]` float32; values beyond 0 to 255 count as these.

    Padding has a feature vector too, which is initialised like the others and never trained.

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
        self.feature_embedding = self._table(embedding_dim)
        self.cell_embedding = self._table(embedding_dim)
        self.value_embedding = self._table(embedding_dim)

    def compute(self, x: Tensor) -> Tensor:
        """`x` `[N, M, 3]` -> `[N, M, E]`."""
        feature = F.embedding(x[..., 1].long(), self.feature_embedding, PADDING)
        cell = F.embedding(x[..., 0].long(), self.cell_embedding)
        value = F.embedding(x[..., 2].long().clamp(0, NUM_IDS - 1), self.value_embedding)
        return feature + cell + value

    @classmethod
    def output_shape(cls, in_shapes: tuple[Shape, ...], options: Mapping[str, Any]) -> Shape:
        """`(M, E)`."""
        return (in_shapes[0][0], options["embedding_dim"])
