"""`ObsTokenShaperModule`: per token, the sum of a feature's and a cell's embedding, and the value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from modules.base import BuildContext, MettaModule, Shape, positive
from modules.errors import ConfigError

# N batch times time, M tokens, E embedding

CELLS = 256
MASKS = ("padding", "attribute_zero")


class ObsTokenShaperModule(MettaModule):
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

    fixed_in_keys = ("x",)
    fixed_out_keys = ("obs_mask",)
    io_sizes = ("num_tokens", "embed_dim")
    divisors: Tensor | None

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
        positive(num_tokens=num_tokens, embed_dim=embed_dim, num_attributes=num_attributes)
        if mask not in MASKS:
            raise ConfigError(f"mask must be {' or '.join(MASKS)}, got {mask!r}")
        if not 0 <= padding_row < num_attributes:
            raise ConfigError(f"padding_row must be a row of {num_attributes}, got {padding_row!r}")
        super().__init__(in_keys, out_keys)
        self.num_tokens, self.embed_dim, self.mask, self.padding_row = num_tokens, embed_dim, mask, padding_row
        self.attribute_weight = _table(num_attributes, embed_dim, padding_row if zero_padding else None)
        self.cell_weight = _table(CELLS, embed_dim)
        divisors = _divisors(feature_normalizations, feature_ids) if normalize else None
        self.register_buffer("divisors", divisors)

    def compute(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """`x` `[N, M, 3]` -> `[N, M, E + 1]`, `[N, M]` bool."""
        cell, attribute, value = x[..., 0].long(), x[..., 1].long(), x[..., 2].float()
        if self.divisors is not None:
            value = value / self.divisors[attribute]
        embedded = F.embedding(attribute, self.attribute_weight, self.padding_row)
        embedded = embedded + F.embedding((cell & 15) * 16 + (cell >> 4), self.cell_weight)
        mask = cell == 255 if self.mask == "padding" else attribute == 0
        return torch.cat([embedded, value.unsqueeze(-1)], dim=-1), mask

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
