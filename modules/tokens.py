"""What the layers that read tokens (cell, feature, value) share: tables, divisors, masks, checks of sources."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from modules.errors import ConfigError
from modules.module import MettaModule
from modules.shapes import BuildContext, only_source, positive

# N batch times time, M tokens, E embedding

NUM_IDS = 256
"""Cells, features and values are bytes."""
PADDING = 0xFF
"""The cell of a token that is padding, and its feature."""
MASKS = ("padding", "attribute_zero")


def num_observed_tokens(context: BuildContext) -> int:
    """M, for a layer that reads the observation itself.

    Raises:
        ConfigError: "reads the observation ...", "needs observations that are tokens ...".
    """
    if context.in_shapes:
        raise ConfigError(f"reads the observation and takes no sources, got {len(context.in_shapes)}")
    if len(context.obs_shape) != 2 or context.obs_shape[1] != 3:
        raise ConfigError(f"needs observations that are tokens, (M, 3), got {context.obs_shape}")
    return context.obs_shape[0]


def token_table(rows: int, width: int) -> nn.Parameter:
    """An embedding `[rows, width]`, uniform in -0.1..0.1."""
    weight = cast(nn.Parameter, nn.Embedding(rows, width).weight)
    nn.init.uniform_(weight, -0.1, 0.1)
    return weight


class TokenModule(MettaModule):
    """Reads tokens `[N, M, 3]` off the observation and writes something per token, and the mask `[N, M]`.

    Subclasses build `compute` upon `_read`.

    Args:
        num_tokens: M.
        embed_dim: E.
        feature_normalizations: divisor of each feature's values; None to divide nothing.
        feature_ids: the number that tokens have for each of these features; 0, 1, ... if not given.
        mask: `padding` masks tokens whose cell is 255; `attribute_zero`, as the old stack, of feature 0 (trap 35).
        zero_row: the feature whose embedding starts at zero; None for none.
        num_attributes: rows of the table of features.

    Raises:
        ConfigError: a size that is not positive, another `mask`, a divisor for a feature that no token can have.
    """

    fixed_in_keys = ("x",)
    fixed_out_keys = ("obs_mask",)
    divisors: Tensor | None
    padding_row: int = PADDING
    """The feature whose embedding gets no gradient."""

    def __init__(
        self,
        num_tokens: int,
        embed_dim: int,
        feature_normalizations: Sequence[float] | None,
        *,
        feature_ids: Sequence[int] | None,
        mask: str,
        zero_row: int | None,
        in_keys: Sequence[str],
        out_keys: Sequence[str],
        num_attributes: int = NUM_IDS,
    ) -> None:
        positive(num_tokens=num_tokens, embed_dim=embed_dim)
        if mask not in MASKS:
            raise ConfigError(f"mask must be {' or '.join(MASKS)}, got {mask!r}")
        super().__init__(in_keys, out_keys)
        self.num_tokens, self.embed_dim, self.mask = num_tokens, embed_dim, mask
        self.attribute_weight = token_table(num_attributes, embed_dim)
        if zero_row is not None:
            with torch.no_grad():
                self.attribute_weight[zero_row] = 0
        divisors = None if feature_normalizations is None else _divisors(feature_normalizations, feature_ids)
        self.register_buffer("divisors", divisors)

    def _read(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Tokens `[N, M, 3]` -> cells `[N, M]`, embedded features `[N, M, E]`, values `[N, M, 1]`, mask `[N, M]`."""
        cell, attribute, value = x[..., 0].long(), x[..., 1].long(), x[..., 2].float()
        if self.divisors is not None:
            value = value / self.divisors[attribute]
        embedded = F.embedding(attribute, self.attribute_weight, self.padding_row)
        mask = cell == PADDING if self.mask == "padding" else attribute == 0
        return cell, embedded, value.unsqueeze(-1), mask

    @classmethod
    def from_context(cls, context: BuildContext) -> dict[str, Any]:
        """The number of tokens, and the divisors of features.

        Raises:
            ConfigError: "reads the observation ...", "needs observations that are tokens ...".
        """
        return {
            "num_tokens": num_observed_tokens(context),
            "feature_normalizations": context.feature_normalizations,
            "feature_ids": context.feature_ids,
        }


def _divisors(values: Sequence[float], ids: Sequence[int] | None) -> Tensor:
    """float32 `[256]`, 1 where there is no divisor."""
    numbers = range(len(values)) if ids is None else ids
    if len(numbers) != len(values) or any(not 0 <= number < NUM_IDS for number in numbers):
        raise ConfigError(f"needs one number from 0 to 255 per divisor, got {list(numbers)} for {len(values)} divisors")
    divisors = torch.ones(NUM_IDS, dtype=torch.float32)
    for number, value in zip(numbers, values, strict=True):
        divisors[number] = value
    return divisors


class TokenSourceModule(MettaModule):
    """Reads tokens `[N, M, 3]` off another component."""

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

    @staticmethod
    def _table(width: int) -> nn.Parameter:
        # The default initialisation is drawn and overwritten, as in the old stack.
        weight = cast(nn.Parameter, nn.Embedding(NUM_IDS, width).weight)
        nn.init.trunc_normal_(weight, std=0.02)
        return weight
