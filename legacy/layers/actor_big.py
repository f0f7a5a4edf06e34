"""`MettaActorBig`: several bilinear scores of hidden state and action embedding, and a small network behind them."""

from __future__ import annotations

import math
from typing import Any

import torch
from einops import rearrange, repeat
from torch import nn

from legacy.base import Blackboard, LayerBase


class MettaActorBig(LayerBase):
    """`[N, H]`, `[N, A, E]` -> logits `[N, A]`: `MLP(relu(tanh(h W_k) . e + bias_k))`, `bilinear_output_dim` k's.

    Kept as it was: the hidden state is repeated per action before the product with `W`, which does not depend on the
    action; the two sizes stand beside `nn_params`. It has no `_out_tensor_shape`, so nothing can follow it.
    """

    def __init__(self, mlp_hidden_dim: int = 512, bilinear_output_dim: int = 32, **cfg: Any) -> None:
        super().__init__(**cfg)
        self.mlp_hidden_dim = mlp_hidden_dim
        self.bilinear_output_dim = bilinear_output_dim

    def _make_net(self) -> None:
        self.hidden = self._in_tensor_shapes[0][0]
        self.embed_dim = self._in_tensor_shapes[1][1]
        outputs = self.bilinear_output_dim
        self.W = nn.Parameter(torch.empty(outputs, self.hidden, self.embed_dim, dtype=torch.float32))
        self.bias = nn.Parameter(torch.empty(outputs, dtype=torch.float32))
        self._relu = nn.ReLU()
        self._tanh = nn.Tanh()
        bound = 1 / math.sqrt(self.hidden) if self.hidden > 0 else 0
        nn.init.uniform_(self.W, -bound, bound)
        nn.init.uniform_(self.bias, -bound, bound)
        self._MLP = nn.Sequential(nn.Linear(outputs, self.mlp_hidden_dim), nn.ReLU(), nn.Linear(self.mlp_hidden_dim, 1))

    def _forward(self, td: Blackboard) -> Blackboard:
        sources: Any = self._sources
        hidden, embeds = td[sources[0]["name"]], td[sources[1]["name"]]
        batch, actions = hidden.shape[0], embeds.shape[1]
        hidden = repeat(hidden, "b h -> b a h", a=actions)
        hidden = rearrange(hidden, "b a h -> (b a) h")
        embeds = rearrange(embeds, "b a e -> (b a) e")
        query = self._tanh(torch.einsum("n h, k h e -> n k e", hidden, self.W))
        scores = torch.einsum("n k e, n e -> n k", query, embeds) + self.bias.reshape(1, self.bilinear_output_dim)
        td[str(self._name)] = self._MLP(self._relu(scores)).reshape(batch, actions)
        return td
