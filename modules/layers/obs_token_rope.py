"""`ObsTokenRoPEModule`: per token, a feature's embedding rotated by its cell, and the value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from modules.base import BuildContext, MettaModule, Shape, positive
from modules.errors import ConfigError

# N batch times time, M tokens, E embedding

MASKS = ("padding", "attribute_zero")
PADDING = 255
"""The cell of padding, and the row of its embedding, which gets no gradient."""


class ObsTokenRoPEModule(MettaModule):
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

    fixed_in_keys = ("x",)
    fixed_out_keys = ("obs_mask",)
    io_sizes = ("num_tokens", "embed_dim")
    divisors: Tensor
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
        positive(num_tokens=num_tokens, embed_dim=embed_dim)
        if embed_dim % 4:
            raise ConfigError(f"embed_dim must be divisible by 4, got {embed_dim}")
        if mask not in MASKS:
            raise ConfigError(f"mask must be {' or '.join(MASKS)}, got {mask!r}")
        super().__init__(in_keys, out_keys)
        self.num_tokens, self.embed_dim, self.mask = num_tokens, embed_dim, mask
        self.attribute_weight = _table(256, embed_dim, PADDING if zero_padding else None)
        self.register_buffer("divisors", _divisors(feature_normalizations, feature_ids))
        half = embed_dim // 2
        frequencies = 1.0 / (rope_base ** (torch.arange(0, half, 2).float() / half))
        self.register_buffer("frequencies", frequencies)

    def compute(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """`x` `[N, M, 3]` -> `[N, M, E + 1]`, `[N, M]` bool."""
        cell, attribute = x[..., 0].long(), x[..., 1].long()
        value = (x[..., 2].float() / self.divisors[attribute]).unsqueeze(-1)
        embedded = F.embedding(attribute, self.attribute_weight, PADDING)
        mask = cell == PADDING if self.mask == "padding" else attribute == 0
        by_first, by_second = embedded.chunk(2, dim=-1)
        rotated = [self._rotated(by_first, cell >> 4), self._rotated(by_second, cell & 15)]
        return torch.cat([*rotated, value], dim=-1), mask

    def _rotated(self, embedded: Tensor, coordinate: Tensor) -> Tensor:
        angle = coordinate.float().unsqueeze(-1) * self.frequencies
        angle = torch.cat([angle, angle], dim=-1)
        first, second = embedded.chunk(2, dim=-1)
        return embedded * torch.cos(angle) + torch.cat([-second, first], dim=-1) * torch.sin(angle)

    @classmethod
    def from_context(cls, context: BuildContext) -> dict[str, Any]:
        """The number of tokens, and the divisors of features.

        Raises:
            ConfigError: "reads the observation ...", "needs observations that are tokens ...".
        """
        if context.in_shapes:
            raise ConfigError(f"reads the observation and takes no sources, got {len(context.in_shapes)}")
        if len(context.obs_shape) != 2 or context.obs_shape[1] != 3:
            raise ConfigError(f"needs observations that are tokens, (M, 3), got {context.obs_shape}")
        return {
            "num_tokens": context.obs_shape[0],
            "feature_normalizations": context.feature_normalizations,
            "feature_ids": context.feature_ids,
        }

    @classmethod
    def output_shape(cls, in_shapes: tuple[Shape, ...], options: Mapping[str, Any]) -> Shape:
        """`(num_tokens, embed_dim + 1)`."""
        return (options["num_tokens"], options["embed_dim"] + 1)


def _table(rows: int, width: int, zero_row: int | None = None) -> nn.Parameter:
    weight = cast(nn.Parameter, nn.Embedding(rows, width).weight)
    nn.init.uniform_(weight, -0.1, 0.1)
    if zero_row is not None:
        with torch.no_grad():
            weight[zero_row] = 0
    return weight


def _divisors(values: Sequence[float], ids: Sequence[int] | None) -> Tensor:
    """float32 `[256]`, 1 where there is no divisor."""
    numbers = range(len(values)) if ids is None else ids
    if len(numbers) != len(values) or any(not 0 <= number < 256 for number in numbers):
        raise ConfigError(f"needs one number from 0 to 255 per divisor, got {list(numbers)} for {len(values)} divisors")
    divisors = torch.ones(256, dtype=torch.float32)
    for number, value in zip(numbers, values, strict=True):
        divisors[number] = value
    return divisors
