"""`ObsAttrValNorm`: values of tokens divided by a number per feature (from 2025-06-18)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from legacy.base import Blackboard, LayerBase

MAX_EMBEDS = 256


class ObsAttrValNorm(LayerBase):
    """`[N, M, 3]` uint8 tokens -> the same shape and type.

    Quirks kept (trap 30): it is given a dict number -> divisor and lists its keys, so a feature is divided by its own
    number; the quotient is cut to uint8, and so is what comes of the division by 0. Only a remapping puts the right
    divisors there (trap 31).

    Raises:
        ValueError: "Feature normalization ... is out of bounds ...": more than 256 features.
    """

    _norm_factors: Tensor

    def __init__(self, feature_normalizations: Any, **cfg: Any) -> None:
        super().__init__(**cfg)
        self._feature_normalizations = list(feature_normalizations)
        self._max_embeds = MAX_EMBEDS

    def _make_net(self) -> None:
        self._out_tensor_shape = [0, 3]
        factors = torch.ones(self._max_embeds, dtype=torch.float32)
        for i, value in enumerate(self._feature_normalizations):
            if i >= self._max_embeds:
                raise ValueError(f"Feature normalization {value} is out of bounds for Embedding layer size {i}")
            factors[i] = value
        self.register_buffer("_norm_factors", factors)

    def _forward(self, td: Blackboard) -> Blackboard:
        tokens = td[(self._sources or [])[0]["name"]].clone()
        tokens[..., 2] = tokens[..., 2] / self._norm_factors[tokens[..., 1].long()]
        td[str(self._name)] = tokens
        return td
