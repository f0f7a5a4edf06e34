"""`MettaActorSingleHead`: a bilinear score of hidden state and action embedding."""

from __future__ import annotations

import math
from typing import Any

import torch
from einops import rearrange, repeat
from torch import nn

from legacy.base import Blackboard, LayerBase


class MettaActorSingleHead(LayerBase):
    """`[N, H]`, `[N, A, E]` -> logits `[N, A]`: `tanh(h W) . e + bias`.

    Kept as it was: the hidden state is repeated per action before the product with `W`, which does not depend on the
    action. It has no `_out_tensor_shape`, so nothing can follow it.
    """

    def _make_net(self) -> None:
        self.hidden = self._in_tensor_shapes[0][0]
        self.embed_dim = self._in_tensor_shapes[1][1]
        self.W = nn.Parameter(torch.empty(1, self.hidden, self.embed_dim, dtype=torch.float32))
        self.bias = nn.Parameter(torch.empty(1, dtype=torch.float32))
        self._tanh = nn.Tanh()
        bound = 1 / math.sqrt(self.hidden) if self.hidden > 0 else 0
        nn.init.uniform_(self.W, -bound, bound)
        nn.init.uniform_(self.bias, -bound, bound)

    def _forward(self, td: Blackboard) -> Blackboard:
        sources: Any = self._sources
        hidden, embeds = td[sources[0]["name"]], td[sources[1]["name"]]
        batch, actions = hidden.shape[0], embeds.shape[1]
        hidden = repeat(hidden, "b h -> b a h", a=actions)
        hidden = rearrange(hidden, "b a h -> (b a) h")
        embeds = rearrange(embeds, "b a e -> (b a) e")
        query = self._tanh(torch.einsum("n h, k h e -> n k e", hidden, self.W))
        scores = torch.einsum("n k e, n e -> n k", query, embeds) + self.bias.reshape(1, 1)
        td[str(self._name)] = scores.reshape(batch, actions)
        return td
