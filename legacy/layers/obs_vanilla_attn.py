"""`ObsVanillaAttn`: one head of self-attention over tokens (2025-05-30 to 06-18)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from legacy.base import Blackboard, LayerBase


class ObsVanillaAttn(LayerBase):
    """`[B * T, M, D]` -> `[B * T, M, out_dim]`, normalised before the attention and behind the residual sum.

    Where every token of a row is masked, its attention is uniform, since masked scores are finite.
    """

    def __init__(self, out_dim: int, use_mask: bool = False, **cfg: Any) -> None:
        super().__init__(**cfg)
        self._out_dim = out_dim
        self._use_mask = use_mask

    def _make_net(self) -> None:
        self._M = self._in_tensor_shapes[0][0]
        self._feat_dim = self._in_tensor_shapes[0][1]
        self._scale = self._feat_dim**-0.5
        self._out_tensor_shape = [self._M, self._out_dim]
        self._layer_norm_1 = nn.LayerNorm(self._feat_dim)
        self.W_qkv = nn.Parameter(torch.empty(self._feat_dim, 3 * self._feat_dim))
        self.b_qkv = nn.Parameter(torch.zeros(3 * self._feat_dim))
        nn.init.xavier_uniform_(self.W_qkv)
        self._layer_norm_2 = nn.LayerNorm(self._feat_dim)
        self._out_proj: nn.Module = nn.Identity()
        if self._feat_dim != self._out_dim:
            self._out_proj = nn.Linear(self._feat_dim, self._out_dim)

    def _forward(self, td: Blackboard) -> Blackboard:
        x: Tensor = td[self._sources[0]["name"]]
        qkv = torch.einsum("bmd,df->bmf", self._layer_norm_1(x), self.W_qkv) + self.b_qkv
        q, k, v = qkv.chunk(3, dim=-1)
        scores = torch.einsum("bmd,bnd->bmn", q, k) * self._scale
        if self._use_mask:
            scores.masked_fill_(td["obs_mask"].unsqueeze(1), -torch.finfo(scores.dtype).max)
        attended = torch.einsum("bmn,bnd->bmd", torch.softmax(scores, dim=-1), v)
        td[str(self._name)] = self._out_proj(self._layer_norm_2(x + attended))
        return td
