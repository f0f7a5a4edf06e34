"""`ObsSelfAttn`: tokens that attend to each other (from 2025-06-18)."""

from __future__ import annotations

from typing import Any

import torch
from einops import rearrange
from torch import Tensor, nn

from legacy.base import Blackboard, LayerBase

# N batch times time, M tokens


class ObsSelfAttn(LayerBase):
    """`[N, M, d]` -> `[N, M, out_dim]`, or `[N, out_dim]` of a learned first token with `use_cls_token`.

    With `use_mask`, tokens where `td["obs_mask"]` `[N, M]` is true are attended to only if all are masked.

    Quirks kept: there is no layer between two attentions; it announces 0 tokens whatever its source announces;
    `qk_dim` and other keys are swallowed (trap 18).

    Raises:
        ValueError: "feat_dim (...) must be divisible by num_heads (...)".
    """

    def __init__(
        self,
        out_dim: int,
        use_mask: bool = False,
        num_layers: int = 1,
        num_heads: int = 1,
        use_cls_token: bool = False,
        **cfg: Any,
    ) -> None:
        super().__init__(**cfg)
        self._out_dim, self._use_mask = out_dim, use_mask
        self._num_layers, self._num_heads, self._use_cls_token = num_layers, num_heads, use_cls_token

    def _make_net(self) -> None:
        self._feat_dim = self._in_tensor_shapes[0][1]
        size, layers = self._feat_dim, self._num_layers
        if size % self._num_heads:
            raise ValueError(f"feat_dim ({size}) must be divisible by num_heads ({self._num_heads})")
        self._scale = (size // self._num_heads) ** -0.5
        self._out_tensor_shape = [self._out_dim] if self._use_cls_token else [0, self._out_dim]
        if self._use_cls_token:
            self._cls_token = nn.Parameter(torch.randn(1, 1, size))
        self.layer_norms_1 = nn.ModuleList([nn.LayerNorm(size) for _ in range(layers)])
        self.q_projs, self.k_projs, self.v_projs = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        self.out_projs = nn.ModuleList()
        # Registered list by list, drawn layer by layer.
        for _ in range(layers):
            for projections in (self.q_projs, self.k_projs, self.v_projs):
                projections.append(nn.Linear(size, size, bias=False))
            self.out_projs.append(nn.Linear(size, size))
        self._layer_norm_2 = nn.LayerNorm(size)
        self._final_proj = nn.Identity() if size == self._out_dim else nn.Linear(size, self._out_dim)

    def _forward(self, td: Blackboard) -> Blackboard:
        x = td[(self._sources or [])[0]["name"]]
        mask = td["obs_mask"] if self._use_mask else None
        if self._use_cls_token:
            x = torch.cat([self._cls_token.expand(len(x), -1, -1), x], dim=1)
            if mask is not None:
                mask = torch.cat([torch.zeros(len(mask), 1, device=mask.device), mask], dim=1)
        parts = (self.layer_norms_1, self.q_projs, self.k_projs, self.v_projs, self.out_projs)
        for norm, to_q, to_k, to_v, to_out in zip(*parts, strict=True):
            normed = norm(x)
            q, k, v = (self._by_head(project(normed)) for project in (to_q, to_k, to_v))
            scores = torch.einsum("bhqd,bhkd->bhqk", q, k) * self._scale
            if mask is not None:
                scores = scores + mask[:, None, None, :].to(scores.dtype) * -torch.finfo(scores.dtype).max
            attended = torch.einsum("bhqk,bhkd->bhqd", scores.softmax(dim=-1), v)
            x = x + to_out(rearrange(attended, "b h q d -> b q (h d)"))
        x = self._final_proj(self._layer_norm_2(x))
        td[str(self._name)] = x[:, 0] if self._use_cls_token else x
        return td

    def _by_head(self, x: Tensor) -> Tensor:
        return rearrange(x, "b m (h d) -> b h m d", h=self._num_heads)
