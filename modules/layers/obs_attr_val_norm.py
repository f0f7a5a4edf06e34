"""`ObsAttrValNormModule`: values of tokens divided by a number per feature."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from modules.base import NUM_IDS, BuildContext, TokenSourceModule, one_of
from modules.errors import ConfigError

# N batch times time, M tokens
DIVIDE_BY = ("normalization", "feature_id")


class ObsAttrValNormModule(TokenSourceModule):
    """`[N, M, 3]` tokens (cell, feature, value) -> the same shape, float32, with divided values.

    Args:
        feature_ids: the number of each feature, below 256.
        feature_normalizations: its divisor; the buffer `divisors` `[256]` has 1 elsewhere.
        divide_by: `normalization`, or `feature_id`, which repeats an error of the old code: it divided by the numbers
            of features, in listed order, and by 0 where that was 0 (trap 30).
        truncate: cuts the quotients to whole numbers and keeps the type of the tokens, as the old code did: uint8.

    Raises:
        ConfigError: another `divide_by`, lists of different lengths, a number out of range, more than 256 features.
    """

    divisors: Tensor

    def __init__(
        self,
        feature_ids: Sequence[int],
        feature_normalizations: Sequence[float],
        *,
        divide_by: str = "normalization",
        truncate: bool = False,
        in_keys: Sequence[str] = ("input",),
        out_keys: Sequence[str] = ("output",),
    ) -> None:
        one_of("divide_by", divide_by, DIVIDE_BY)
        if len(feature_ids) != len(feature_normalizations):
            raise ConfigError(f"got {len(feature_ids)} feature_ids and {len(feature_normalizations)} divisors")
        super().__init__(in_keys, out_keys)
        self.divide_by, self.truncate = divide_by, truncate
        by_number = dict(zip(feature_ids, feature_normalizations, strict=True))
        if divide_by == "feature_id":
            by_number = {i: float(number) for i, number in enumerate(feature_ids)}
        if wrong := [number for number in by_number if not 0 <= number < NUM_IDS]:
            raise ConfigError(f"features must have numbers from 0 to {NUM_IDS - 1}, got {wrong}")
        divisors = torch.ones(NUM_IDS, dtype=torch.float32)
        for number, divisor in by_number.items():
            divisors[number] = divisor
        self.register_buffer("divisors", divisors)

    def set_divisors(self, divisors: Tensor) -> None:
        """Takes other divisors, float32 `[256]`.

        Raises:
            ConfigError: "divisors must be ...".
        """
        if divisors.shape != (NUM_IDS,) or divisors.dtype != torch.float32:
            raise ConfigError(f"divisors must be float32 [{NUM_IDS}], got {divisors.dtype} {list(divisors.shape)}")
        self.divisors = divisors.to(self.divisors.device)

    def compute(self, x: Tensor) -> Tensor:
        """`x` `[N, M, 3]` -> the same shape."""
        tokens = x.clone() if self.truncate else x.float()
        values = x[..., 2] / self.divisors[x[..., 1].long()]
        if self.truncate:
            tokens[..., 2] = values
            return tokens
        return torch.cat([tokens[..., :2], values.unsqueeze(-1)], dim=-1)

    @classmethod
    def from_context(cls, context: BuildContext) -> dict[str, Any]:
        """The environment's features.

        Raises:
            ConfigError: "needs a source of tokens ...".
        """
        super().from_context(context)
        return {"feature_ids": context.feature_ids, "feature_normalizations": context.feature_normalizations}
