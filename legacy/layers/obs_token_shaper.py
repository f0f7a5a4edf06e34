"""`ObsTokenShaper`: per token, the sum of a feature's and a cell's embedding, and the value (2025-05-30 to 06-18)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from legacy.obs_tokens import TokenShaper, kept, pair_index, table


class ObsTokenShaper(TokenShaper):
    """Tokens -> `[B * T, M, atr_embed_dim + 1]`; quirks as in `TokenShaper`. Values are not divided yet."""

    _padding_row = 0

    def __init__(self, obs_shape: Any, atr_embed_dim: int, **cfg: Any) -> None:
        super().__init__(**cfg)
        self._obs_shape = obs_shape
        self._atr_embed_dim = atr_embed_dim
        self._value_dim = 1
        self._feat_dim = self._atr_embed_dim + self._value_dim
        self.M = obs_shape[0]
        self._max_embeds = 257

    def _make_net(self) -> None:
        self._out_tensor_shape = [self.M, self._feat_dim]
        self._atr_embeds = table(self._max_embeds, self._atr_embed_dim, self._padding_row)
        self._coord_embeds = table(256, self._atr_embed_dim)

    def _vectors(self, x: Tensor, y: Tensor, feature: Tensor, value: Tensor) -> Tensor:
        embedded = self._atr_embeds(feature) + self._coord_embeds(pair_index(x, y))
        return torch.cat([embedded, self._scaled(value, feature).unsqueeze(-1)], dim=-1)

    def _scaled(self, value: Tensor, _: Tensor) -> Tensor:
        return value


class ObsTokenShaper0604(ObsTokenShaper):
    """From 2025-06-04: values are divided, and the table has 256 rows."""

    def __init__(self, obs_shape: Any, atr_embed_dim: int, feature_normalizations: Any, **cfg: Any) -> None:
        super().__init__(obs_shape, atr_embed_dim, **cfg)
        self._feature_normalizations = kept(feature_normalizations)
        self._max_embeds = 256

    def _make_net(self) -> None:
        super()._make_net()
        self._register_norm_factors(self._feature_normalizations)

    def _scaled(self, value: Tensor, feature: Tensor) -> Tensor:
        return value / self._norm_factors[feature]


class ObsTokenShaper0606(ObsTokenShaper0604):
    """From 2025-06-06: row 255 stands for padding, which the mask did not learn of (trap 35)."""

    _padding_row = 255
