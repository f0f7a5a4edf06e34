"""`ObservationNormalizerModule`: each feature divided by a constant."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from modules.base import BuildContext, MettaModule, only_source
from modules.errors import ConfigError


class ObservationNormalizerModule(MettaModule):
    """`[N, F, H, W]` -> the same shape, float32.

    Args:
        feature_normalizations: one divisor per feature; kept in the buffer `obs_norm` `[1, F, 1, 1]`.
    """

    obs_norm: Tensor

    def __init__(
        self,
        feature_normalizations: Sequence[float],
        *,
        in_keys: Sequence[str] = ("input",),
        out_keys: Sequence[str] = ("output",),
    ) -> None:
        super().__init__(in_keys, out_keys)
        divisors = torch.tensor(list(feature_normalizations), dtype=torch.float32)
        self.register_buffer("obs_norm", divisors.view(1, -1, 1, 1))

    def compute(self, x: Tensor) -> Tensor:
        """`x` `[N, F, H, W]` -> the same shape."""
        return x / self.obs_norm

    @classmethod
    def from_context(cls, context: BuildContext) -> dict[str, Any]:
        """The environment's divisors, in the order of the numbers of features, which are the channels.

        Raises:
            ConfigError: "the environment gives ... divisors for ... features".
        """
        features = only_source(context, ndim=3)[0]
        if len(context.feature_normalizations) != features:
            given = len(context.feature_normalizations)
            raise ConfigError(f"the environment gives {given} divisors for {features} features")
        numbers = context.feature_ids or range(features)
        by_number = zip(numbers, context.feature_normalizations, strict=True)
        return {"feature_normalizations": [divisor for _, divisor in sorted(by_number)]}
