"""`ObsTokenRoPE`: per token, a feature's embedding rotated by its cell, and the value (2025-06-09 to 06-18)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from legacy.obs_tokens import TokenShaper, kept, table


class ObsTokenRoPE(TokenShaper):
    """Tokens -> `[B * T, M, atr_embed_dim + 1]`; quirks as in `TokenShaper`.

    One half of the embedding is rotated by x, the other one by y.

    Raises:
        ValueError: "atr_embed_dim must be divisible by 4 for RoPE, but got ...".
    """

    inv_freq: Tensor

    def __init__(
        self, obs_shape: Any, atr_embed_dim: int, feature_normalizations: Any, rope_base: float = 10000.0, **cfg: Any
    ) -> None:
        super().__init__(**cfg)
        self._obs_shape = obs_shape
        self._atr_embed_dim = atr_embed_dim
        self._value_dim = 1
        self._feat_dim = self._atr_embed_dim + self._value_dim
        self.M = obs_shape[0]
        self._feature_normalizations = kept(feature_normalizations)
        self._max_embeds = 256
        self._rope_base = rope_base
        if self._atr_embed_dim % 4 != 0:
            raise ValueError(f"atr_embed_dim must be divisible by 4 for RoPE, but got {self._atr_embed_dim}")

    def _make_net(self) -> None:
        self._out_tensor_shape = [self.M, self._feat_dim]
        self._atr_embeds = table(self._max_embeds, self._atr_embed_dim, 255)
        self._register_norm_factors(self._feature_normalizations)
        half = self._atr_embed_dim // 2
        self.register_buffer("inv_freq", 1.0 / (self._rope_base ** (torch.arange(0, half, 2).float() / half)))

    def _vectors(self, x: Tensor, y: Tensor, feature: Tensor, value: Tensor) -> Tensor:
        value = value / self._norm_factors[feature]
        by_x, by_y = self._atr_embeds(feature).chunk(2, dim=-1)
        return torch.cat([self._rotated(by_x, x), self._rotated(by_y, y), value.unsqueeze(-1)], dim=-1)

    def _rotated(self, embedded: Tensor, coordinate: Tensor) -> Tensor:
        angle = coordinate.float().unsqueeze(-1) * self.inv_freq
        angle = torch.cat([angle, angle], dim=-1)
        first, second = embedded.chunk(2, dim=-1)
        return embedded * angle.cos() + torch.cat([-second, first], dim=-1) * angle.sin()
