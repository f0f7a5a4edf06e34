"""`ObsTokenShaperModule`: per token, the sum of a feature's and a cell's embedding, and the value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from modules.base import NUM_IDS, Shape, TokenModule, positive, token_table
from modules.errors import ConfigError

# N batch times time, M tokens, E embedding


class ObsTokenShaperModule(TokenModule):
    """Tokens `[N, M, 3]` (cell, feature, value) -> `[N, M, E + 1]` and the mask `[N, M]`, true for padding.

    Args:
        num_tokens: M.
        embed_dim: E.
        feature_normalizations: divisor of each feature's values.
        feature_ids: the number that tokens have for each of these features; 0, 1, ... if not given.
        mask: `padding` masks tokens whose cell is 255; `attribute_zero`, as the old stack, those of feature 0, which
            is right where padding is made of zeros only (trap 35).
        padding_row: the feature whose embedding gets no gradient.
        zero_padding: whether that row starts at zero; the old stack's did not (trap 36).
        num_attributes: rows of the table of features.
        normalize: whether values are divided at all.

    Raises:
        ConfigError: a size that is not positive, a padding row outside of the table, another `mask`, a divisor for a
            feature that no token can have.
    """

    io_sizes = ("num_tokens", "embed_dim")

    def __init__(  # noqa: PLR0913 - three versions of the old class
        self,
        num_tokens: int,
        embed_dim: int,
        feature_normalizations: Sequence[float] = (),
        *,
        feature_ids: Sequence[int] | None = None,
        mask: str = "padding",
        padding_row: int = 255,
        zero_padding: bool = True,
        num_attributes: int = 256,
        normalize: bool = True,
        in_keys: Sequence[str] = ("x",),
        out_keys: Sequence[str] = ("output", "obs_mask"),
    ) -> None:
        positive(num_attributes=num_attributes)
        if not 0 <= padding_row < num_attributes:
            raise ConfigError(f"padding_row must be a row of {num_attributes}, got {padding_row!r}")
        super().__init__(
            num_tokens,
            embed_dim,
            feature_normalizations if normalize else None,
            feature_ids=feature_ids,
            mask=mask,
            zero_row=padding_row if zero_padding else None,
            num_attributes=num_attributes,
            in_keys=in_keys,
            out_keys=out_keys,
        )
        self.padding_row = padding_row
        self.cell_weight = token_table(NUM_IDS, embed_dim)

    def compute(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """`x` `[N, M, 3]` -> `[N, M, E + 1]`, `[N, M]` bool."""
        cell, embedded, value, mask = self._read(x)
        embedded = embedded + F.embedding((cell & 15) * 16 + (cell >> 4), self.cell_weight)
        return torch.cat([embedded, value], dim=-1), mask

    @classmethod
    def output_shape(cls, in_shapes: tuple[Shape, ...], options: Mapping[str, Any]) -> Shape:
        """`(num_tokens, embed_dim + 1)`."""
        return (options["num_tokens"], options["embed_dim"] + 1)
