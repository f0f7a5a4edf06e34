"""`ObsAttrCoordValueEmbed`: learned vectors per feature, cell and value, added up (from 2025-06-18)."""

from __future__ import annotations

from typing import Any

from torch import nn

from legacy.base import Blackboard, LayerBase

MAX_EMBEDS = 256
PADDING = 255


class ObsAttrCoordValueEmbed(LayerBase):
    """`[N, M, 3]` uint8 tokens -> `[N, M, attr_embed_dim]` float32.

    Quirk kept: the padding row of the features is filled like the others, so padding is not zero (trap 36).
    """

    def __init__(self, attr_embed_dim: int, **cfg: Any) -> None:
        super().__init__(**cfg)
        self._attr_embed_dim = attr_embed_dim
        self._feat_dim = self._attr_embed_dim
        self._max_embeds = MAX_EMBEDS

    def _make_net(self) -> None:
        self._out_tensor_shape = [0, self._feat_dim]
        self._attr_embeds = nn.Embedding(self._max_embeds, self._attr_embed_dim, padding_idx=PADDING)
        nn.init.trunc_normal_(self._attr_embeds.weight, std=0.02)
        self._coord_embeds = nn.Embedding(self._max_embeds, self._attr_embed_dim)
        nn.init.trunc_normal_(self._coord_embeds.weight, std=0.02)
        self._val_embeds = nn.Embedding(self._max_embeds, self._attr_embed_dim)
        nn.init.trunc_normal_(self._val_embeds.weight, std=0.02)

    def _forward(self, td: Blackboard) -> Blackboard:
        tokens = td[(self._sources or [])[0]["name"]]
        value = tokens[..., 2].long().clamp(0, self._max_embeds - 1)
        place = self._attr_embeds(tokens[..., 1].long()) + self._coord_embeds(tokens[..., 0].long())
        td[str(self._name)] = place + self._val_embeds(value)
        return td
