"""`ObsAttrCoordValueEmbedModule`: learned vectors per feature, cell and value, added up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from modules.base import BuildContext, MettaModule, Shape, only_source, positive
from modules.errors import ConfigError

# N batch times time, M tokens, E embedding
NUM_IDS = 256
PADDING = 255


class ObsAttrCoordValueEmbedModule(MettaModule):
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
        self.feature_embedding = _table(embedding_dim)
        self.cell_embedding = _table(embedding_dim)
        self.value_embedding = _table(embedding_dim)

    def compute(self, x: Tensor) -> Tensor:
        """`x` `[N, M, 3]` -> `[N, M, E]`."""
        feature = F.embedding(x[..., 1].long(), self.feature_embedding, PADDING)
        cell = F.embedding(x[..., 0].long(), self.cell_embedding)
        value = F.embedding(x[..., 2].long().clamp(0, NUM_IDS - 1), self.value_embedding)
        return feature + cell + value

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
        """`(M, E)`."""
        return (in_shapes[0][0], options["embedding_dim"])


def _table(size: int) -> Tensor:
    # The default initialisation is drawn and overwritten, as in the old stack.
    weight = nn.Embedding(NUM_IDS, size).weight
    nn.init.trunc_normal_(weight, std=0.02)
    return weight
