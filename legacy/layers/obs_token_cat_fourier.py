"""`ObsTokenCatFourier`: per token, a feature's embedding, waves over its cell and the value (2025-06-09 to 06-18)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from legacy.obs_tokens import TokenShaper, kept, table


class ObsTokenCatFourier(TokenShaper):
    """Tokens -> `[B * T, M, atr_embed_dim + 4 * num_freqs + 1]`; quirks as in `TokenShaper`.

    Quirk kept besides: coordinates are scaled for 11 cells along each side, whatever the environment says.
    """

    frequencies: Tensor

    def __init__(
        self, obs_shape: Any, atr_embed_dim: int, feature_normalizations: Any, num_freqs: int = 3, **cfg: Any
    ) -> None:
        super().__init__(**cfg)
        self._obs_shape = obs_shape
        self._atr_embed_dim = atr_embed_dim
        self._num_freqs = num_freqs
        self._coord_embed_dim = 4 * self._num_freqs
        self._value_dim = 1
        self._feat_dim = self._atr_embed_dim + self._coord_embed_dim + self._value_dim
        self.M = obs_shape[0]
        self._feature_normalizations = kept(feature_normalizations)
        self._max_embeds = 256
        self._mu = 11.0

    def _make_net(self) -> None:
        self._out_tensor_shape = [self.M, self._feat_dim]
        self._atr_embeds = table(self._max_embeds, self._atr_embed_dim, 255)
        self._register_norm_factors(self._feature_normalizations)
        self.register_buffer("frequencies", 2.0 ** torch.arange(self._num_freqs))

    def _vectors(self, x: Tensor, y: Tensor, feature: Tensor, value: Tensor) -> Tensor:
        value = value / self._norm_factors[feature]
        waves = [self._atr_embeds(feature)]
        for coordinate in (x, y):
            angle = (coordinate.float() / (self._mu - 1.0) * 2.0 - 1.0).unsqueeze(-1) * self.frequencies
            waves += [torch.cos(angle), torch.sin(angle)]
        return torch.cat([*waves, value.unsqueeze(-1)], dim=-1)
