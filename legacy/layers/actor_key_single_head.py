"""`MettaActorKeySingleHead`: the score of each action for a query (from 2025-09-03)."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn

from legacy.base import LayerBase


class MettaActorKeySingleHead(LayerBase):
    """`[N, E]`, `[N, A, E]` -> logits `[N, A]`: `q . e + bias`.

    Quirk kept: it has no `_out_tensor_shape`, so nothing can follow it.
    """

    def _make_net(self) -> None:
        query_dim = self._in_tensor_shapes[0][0]
        self.bias = nn.Parameter(torch.empty(1, dtype=torch.float32))
        bound = 1 / math.sqrt(query_dim) if query_dim > 0 else 0
        nn.init.uniform_(self.bias, -bound, bound)

    def _forward(self, td: Any) -> Any:
        query, embeds = td[self._sources[0]["name"]], td[self._sources[1]["name"]]
        td[str(self._name)] = torch.einsum("b e, b a e -> b a", query, embeds) + self.bias
        return td
