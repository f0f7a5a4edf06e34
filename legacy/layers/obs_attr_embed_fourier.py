"""`ObsAttrEmbedFourier`: a learned vector per feature, waves of the cell, and the value (from 2025-06-18)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from legacy.base import Blackboard, LayerBase

MAX_EMBEDS = 256
PADDING = 255


class ObsAttrEmbedFourier(LayerBase):
    """`[N, M, 3]` uint8 tokens -> `[N, M, attr_embed_dim + 4 * num_freqs + 1]` float32.

    In this order: the feature's vector, cos and sin of the row, cos and sin of the column, each at the frequencies 1,
    2, 4, ..., and the value as it is. Quirks kept: positions are scaled for a window of 11 cells, whatever it is;
    padding has row and column 15 and a vector that is not zero (trap 36).
    """

    frequencies: Tensor

    def __init__(self, attr_embed_dim: int, num_freqs: int = 3, **cfg: Any) -> None:
        super().__init__(**cfg)
        self._attr_embed_dim, self._num_freqs = attr_embed_dim, num_freqs
        self._coord_rep_dim = 4 * self._num_freqs
        self._value_dim = 1
        self._feat_dim = self._attr_embed_dim + self._coord_rep_dim + self._value_dim
        self._max_embeds = MAX_EMBEDS
        self._mu = 11.0

    def _make_net(self) -> None:
        self._out_tensor_shape = [0, self._feat_dim]
        self._attr_embeds = nn.Embedding(self._max_embeds, self._attr_embed_dim, padding_idx=PADDING)
        nn.init.trunc_normal_(self._attr_embeds.weight, std=0.02)
        self.register_buffer("frequencies", 2.0 ** torch.arange(self._num_freqs))

    def _forward(self, td: Blackboard) -> Blackboard:
        tokens = td[(self._sources or [])[0]["name"]]
        cell = tokens[..., 0].to(torch.uint8)
        waves = [wave for nibble in (cell >> 4 & 0x0F, cell & 0x0F) for wave in self._waves(nibble)]
        td[str(self._name)] = torch.cat(
            [self._attr_embeds(tokens[..., 1].long()), *waves, tokens[..., 2:].float()], dim=-1
        )
        return td

    def _waves(self, position: Tensor) -> tuple[Tensor, Tensor]:
        scaled = (position / (self._mu - 1.0) * 2.0 - 1.0).unsqueeze(-1) * self.frequencies
        return scaled.cos(), scaled.sin()
