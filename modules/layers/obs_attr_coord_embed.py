"""`ObsAttrCoordEmbedModule`: a learned vector per feature plus one per cell, beside the value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from modules.base import BuildContext, MettaModule, Shape, only_source, positive
from modules.errors import ConfigError

# N batch times time, M tokens, E embedding
NUM_IDS = 256
PADDING = 255


class ObsAttrCoordEmbedModule(MettaModule):
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
        self.cell_embedding = _table(embedding_dim)
        self.feature_embedding = _table(embedding_dim)

    def compute(self, x: Tensor) -> Tensor:
        """`x` `[N, M, 3]` -> `[N, M, E + 1]`."""
        feature = F.embedding(x[..., 1].long(), self.feature_embedding, PADDING)
        cell = F.embedding(x[..., 0].long(), self.cell_embedding)
        return torch.cat([feature + cell, x[..., 2:].float()], dim=-1)

    @classmethod
    def from_context(cls, context: BuildContext) -> dict[str, Any]:
        """Nothing but the check of the source.

        Raises:
            ConfigError: "needs a source of tokens ...".
        """
        shape = only_source(context, ndim=2)
        if shape[1] != 3:
            raise ConfigError(f"needs a source of tokens, (M, 3), got shape {shape}")
        return {}

    @classmethod
    def output_shape(cls, in_shapes: tuple[Shape, ...], options: Mapping[str, Any]) -> Shape:
        """`(M, E + 1)`."""
        return (in_shapes[0][0], options["embedding_dim"] + 1)


def _table(size: int) -> Tensor:
    # The default initialisation is drawn and overwritten, as in the old stack.
    weight = nn.Embedding(NUM_IDS, size).weight
    nn.init.trunc_normal_(weight, std=0.02)
    return weight
