"""`ObsTokenCat`: per token, a feature's embedding, a cell's embedding and the value (2025-06-09 to 06-18)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from legacy.obs_tokens import TokenShaper, kept, pair_index, table


class ObsTokenCat(TokenShaper):
    """Tokens -> `[B * T, M, atr_embed_dim + coord_embed_dim + 1]`; quirks as in `TokenShaper`."""

    def __init__(
        self, obs_shape: Any, atr_embed_dim: int, coord_embed_dim: int, feature_normalizations: Any, **cfg: Any
    ) -> None:
        super().__init__(**cfg)
        self._obs_shape = obs_shape
        self._atr_embed_dim = atr_embed_dim
        self._coord_embed_dim = coord_embed_dim
        self._value_dim = 1
        self._feat_dim = self._atr_embed_dim + self._coord_embed_dim + self._value_dim
        self.M = obs_shape[0]
        self._feature_normalizations = kept(feature_normalizations)
        self._max_embeds = 256

    def _make_net(self) -> None:
        self._out_tensor_shape = [self.M, self._feat_dim]
        self._atr_embeds = table(self._max_embeds, self._atr_embed_dim, 255)
        self._coord_embeds = table(self._max_embeds, self._coord_embed_dim)
        self._register_norm_factors(self._feature_normalizations)

    def _vectors(self, x: Tensor, y: Tensor, feature: Tensor, value: Tensor) -> Tensor:
        value = value / self._norm_factors[feature]
        place = self._coord_embeds(pair_index(x, y))
        return torch.cat([self._atr_embeds(feature), place, value.unsqueeze(-1)], dim=-1)
