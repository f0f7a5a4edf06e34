"""`ObsTokenCatModule`: per token, a feature's embedding, a cell's embedding and the value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from modules.base import NUM_IDS, PADDING, Shape, TokenModule, positive, token_table

# N batch times time, M tokens, E embedding, C embedding of cells


class ObsTokenCatModule(TokenModule):
    """Tokens `[N, M, 3]` (cell, feature, value) -> `[N, M, E + C + 1]` and the mask `[N, M]`, true for padding.

    Args:
        num_tokens: M.
        embed_dim: E.
        feature_normalizations: divisor of each feature's values.
        cell_embed_dim: C.
        feature_ids: the number that tokens have for each of these features; 0, 1, ... if not given.
        mask: `padding` masks tokens whose cell is 255; `attribute_zero`, as the old stack, those of feature 0, and
            attends to padding (trap 35).
        zero_padding: whether the row of padding starts at zero; the old stack's did not (trap 36).

    Raises:
        ConfigError: a size that is not positive, another `mask`, a divisor for a feature that no token can have.
    """

    io_sizes = ("num_tokens", "embed_dim", "cell_embed_dim")

    def __init__(
        self,
        num_tokens: int,
        embed_dim: int,
        cell_embed_dim: int,
        feature_normalizations: Sequence[float] = (),
        *,
        feature_ids: Sequence[int] | None = None,
        mask: str = "padding",
        zero_padding: bool = True,
        in_keys: Sequence[str] = ("x",),
        out_keys: Sequence[str] = ("output", "obs_mask"),
    ) -> None:
        positive(cell_embed_dim=cell_embed_dim)
        super().__init__(
            num_tokens,
            embed_dim,
            feature_normalizations,
            feature_ids=feature_ids,
            mask=mask,
            zero_row=PADDING if zero_padding else None,
            in_keys=in_keys,
            out_keys=out_keys,
        )
        self.cell_embed_dim = cell_embed_dim
        self.cell_weight = token_table(NUM_IDS, cell_embed_dim)

    def compute(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """`x` `[N, M, 3]` -> `[N, M, E + C + 1]`, `[N, M]` bool."""
        cell, embedded, value, mask = self._read(x)
        place = F.embedding((cell & 15) * 16 + (cell >> 4), self.cell_weight)
        return torch.cat([embedded, place, value], dim=-1), mask

    @classmethod
    def output_shape(cls, in_shapes: tuple[Shape, ...], options: Mapping[str, Any]) -> Shape:
        """`(num_tokens, embed_dim + cell_embed_dim + 1)`."""
        return (options["num_tokens"], options["embed_dim"] + options["cell_embed_dim"] + 1)
