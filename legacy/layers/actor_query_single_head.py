"""`MettaActorQuerySingleHead`: what the hidden state asks of an action (from 2025-09-03)."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn

from legacy.base import LayerBase


class MettaActorQuerySingleHead(LayerBase):
    """`[N, H]` -> `[N, E]`: `tanh(h W)`; of its second source, the action embeddings, only the size E is read."""

    def _make_net(self) -> None:
        self.hidden = self._in_tensor_shapes[0][0]
        self.embed_dim = self._in_tensor_shapes[1][1]
        self._out_tensor_shape = [self.embed_dim]
        self.W = nn.Parameter(torch.empty(self.hidden, self.embed_dim, dtype=torch.float32))
        self._tanh = nn.Tanh()
        bound = 1 / math.sqrt(self.hidden) if self.hidden > 0 else 0
        nn.init.uniform_(self.W, -bound, bound)

    def _forward(self, td: Any) -> Any:
        hidden = td[self._sources[0]["name"]]
        td[str(self._name)] = self._tanh(torch.einsum("b h, h e -> b e", hidden, self.W))
        return td
