"""`ObsTokenCatFourierModule`: per token, a feature's embedding, waves over its cell and the value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from modules.base import PADDING, Shape, TokenModule, positive
from modules.errors import ConfigError

# N batch times time, M tokens, E embedding, K frequencies

NUM_FREQS = 3


class ObsTokenCatFourierModule(TokenModule):
    """Tokens `[N, M, 3]` (cell, feature, value) -> `[N, M, E + 4 * K + 1]` and the mask `[N, M]`, true for padding.

    Args:
        num_tokens: M.
        embed_dim: E.
        feature_normalizations: divisor of each feature's values.
        feature_ids: the number that tokens have for each of these features; 0, 1, ... if not given.
        mask: `padding` masks tokens whose cell is 255; `attribute_zero`, as the old stack, those of feature 0, and
            attends to padding (trap 35).
        zero_padding: whether the row of padding starts at zero; the old stack's did not (trap 36).
        num_freqs: K; waves of each coordinate, `cos` and `sin` of it times 1, 2, 4, ...
        cells: along each side, for which coordinates are scaled to -1..1; the old stack took 11 everywhere.

    Raises:
        ConfigError: a size that is not positive, `cells` outside of 2..16, another `mask`, a divisor for a feature
            that no token can have.
    """

    io_sizes = ("num_tokens", "embed_dim", "num_freqs")
    frequencies: Tensor

    def __init__(
        self,
        num_tokens: int,
        embed_dim: int,
        feature_normalizations: Sequence[float] = (),
        *,
        feature_ids: Sequence[int] | None = None,
        num_freqs: int = NUM_FREQS,
        cells: int = 11,
        mask: str = "padding",
        zero_padding: bool = True,
        in_keys: Sequence[str] = ("x",),
        out_keys: Sequence[str] = ("output", "obs_mask"),
    ) -> None:
        positive(num_freqs=num_freqs)
        if cells not in range(2, 17):
            raise ConfigError(f"cells must be an integer from 2 to 16, got {cells!r}")
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
        self.num_freqs, self.cells = num_freqs, cells
        self.register_buffer("frequencies", 2.0 ** torch.arange(num_freqs))

    def compute(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """`x` `[N, M, 3]` -> `[N, M, E + 4 * K + 1]`, `[N, M]` bool."""
        cell, embedded, value, mask = self._read(x)
        waves = [*self._waves(cell >> 4), *self._waves(cell & 15)]
        return torch.cat([embedded, *waves, value], dim=-1), mask

    def _waves(self, coordinate: Tensor) -> tuple[Tensor, Tensor]:
        scaled = coordinate.float() / (self.cells - 1) * 2 - 1
        angle = scaled.unsqueeze(-1) * self.frequencies
        return torch.cos(angle), torch.sin(angle)

    @classmethod
    def output_shape(cls, in_shapes: tuple[Shape, ...], options: Mapping[str, Any]) -> Shape:
        """`(num_tokens, embed_dim + 4 * num_freqs + 1)`."""
        return (options["num_tokens"], options["embed_dim"] + 4 * options.get("num_freqs", NUM_FREQS) + 1)
