"""`ObsTokenRoPEModule`: per token, a feature's embedding rotated by its cell, and the value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from modules.base import PADDING, Shape, TokenModule
from modules.errors import ConfigError

# N batch times time, M tokens, E embedding


class ObsTokenRoPEModule(TokenModule):
    """Tokens `[N, M, 3]` (cell, feature, value) -> `[N, M, E + 1]` and the mask `[N, M]`, true for padding.

    One half of the embedding is rotated by the cell's first coordinate, the other half by the second one.

    Args:
        num_tokens: M.
        embed_dim: E.
        feature_normalizations: divisor of each feature's values.
        feature_ids: the number that tokens have for each of these features; 0, 1, ... if not given.
        mask: `padding` masks tokens whose cell is 255; `attribute_zero`, as the old stack, those of feature 0, and
            attends to padding (trap 35).
        zero_padding: whether the row of padding starts at zero; the old stack's did not (trap 36).
        rope_base: base of the wave lengths.

    Raises:
        ConfigError: a size that is not positive, an `embed_dim` that 4 does not divide, another `mask`, a divisor for
            a feature that no token can have.
    """

    io_sizes = ("num_tokens", "embed_dim")
    frequencies: Tensor

    def __init__(
        self,
        num_tokens: int,
        embed_dim: int,
        feature_normalizations: Sequence[float] = (),
        *,
        feature_ids: Sequence[int] | None = None,
        rope_base: float = 10000.0,
        mask: str = "padding",
        zero_padding: bool = True,
        in_keys: Sequence[str] = ("x",),
        out_keys: Sequence[str] = ("output", "obs_mask"),
    ) -> None:
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
        if embed_dim % 4:
            raise ConfigError(f"embed_dim must be divisible by 4, got {embed_dim}")
        half = embed_dim // 2
        frequencies = 1.0 / (rope_base ** (torch.arange(0, half, 2).float() / half))
        self.register_buffer("frequencies", frequencies)

    def compute(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """`x` `[N, M, 3]` -> `[N, M, E + 1]`, `[N, M]` bool."""
        cell, embedded, value, mask = self._read(x)
        by_first, by_second = embedded.chunk(2, dim=-1)
        rotated = [self._rotated(by_first, cell >> 4), self._rotated(by_second, cell & 15)]
        return torch.cat([*rotated, value], dim=-1), mask

    def _rotated(self, embedded: Tensor, coordinate: Tensor) -> Tensor:
        angle = coordinate.float().unsqueeze(-1) * self.frequencies
        angle = torch.cat([angle, angle], dim=-1)
        first, second = embedded.chunk(2, dim=-1)
        return embedded * torch.cos(angle) + torch.cat([-second, first], dim=-1) * torch.sin(angle)

    @classmethod
    def output_shape(cls, in_shapes: tuple[Shape, ...], options: Mapping[str, Any]) -> Shape:
        """`(num_tokens, embed_dim + 1)`."""
        return (options["num_tokens"], options["embed_dim"] + 1)
