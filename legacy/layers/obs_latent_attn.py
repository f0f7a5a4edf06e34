"""`ObsLatentAttn`: learned queries that attend to tokens (from 2025-06-18)."""

from __future__ import annotations

from typing import Any

import torch
from einops import rearrange
from torch import Tensor, nn

from legacy.base import Blackboard, LayerBase

# N batch times time, M tokens, Q queries


class ObsLatentAttn(LayerBase):
    """`[N, M, d]` -> `[N, Q, out_dim]`, or `[N, out_dim]` of the first query with `use_cls_token`.

    With `use_mask`, tokens where `td["obs_mask"]` `[N, M]` is true are attended to only if all are masked.

    Quirk kept: the batch is `td["_BxTT_"]`, which nobody wrote any more in E8 and E9 (trap 59).

    Raises:
        AssertionError: no queries.
        ValueError: "... must be divisible by num_heads ...", "... must be equal ...": sizes that do not fit.
    """

    def __init__(
        self,
        out_dim: int,
        use_mask: bool = False,
        num_query_tokens: int = 1,
        num_heads: int = 1,
        num_layers: int = 1,
        query_token_dim: int | None = None,
        qk_dim: int | None = None,
        v_dim: int | None = None,
        mlp_ratio: float = 4.0,
        use_cls_token: bool = False,
        **cfg: Any,
    ) -> None:
        super().__init__(**cfg)
        assert num_query_tokens > 0, "num_query_tokens must be greater than 0"
        self._out_dim, self._use_mask, self._num_query_tokens = out_dim, use_mask, num_query_tokens
        self._num_heads, self._num_layers = num_heads, num_layers
        self._query_token_dim: Any = query_token_dim
        self._qk_dim: Any = qk_dim
        self._v_dim: Any = v_dim
        self._mlp_ratio, self._use_cls_token = mlp_ratio, use_cls_token

    def _make_net(self) -> None:
        queries, out = self._num_query_tokens, self._out_dim
        self._out_tensor_shape = [out] if self._use_cls_token else [queries, out]
        self._feat_dim = self._in_tensor_shapes[0][1]
        self._resolve_sizes()
        size = self._query_token_dim
        self._scale = (self._qk_dim // self._num_heads) ** -0.5
        self._q_token = nn.Parameter(torch.randn(1, queries, size))
        nn.init.trunc_normal_(self._q_token, std=0.02)
        self.norm_kv = nn.LayerNorm(self._feat_dim)
        self.k_proj = nn.Linear(self._feat_dim, self._qk_dim, bias=False)
        self.v_proj = nn.Linear(self._feat_dim, self._v_dim, bias=False)
        self.layers = nn.ModuleList([self._make_layer(size) for _ in range(self._num_layers)])
        self.final_norm = nn.LayerNorm(size)
        self.output_proj = nn.Identity() if size == out else nn.Linear(size, out)

    def _resolve_sizes(self) -> None:
        heads = self._num_heads
        if self._query_token_dim is None:
            self._query_token_dim = self._feat_dim
        if self._qk_dim is None:
            self._qk_dim = self._query_token_dim
        if self._v_dim is None:
            self._v_dim = self._query_token_dim
        for name, value in (("qk_dim", self._qk_dim), ("v_dim", self._v_dim)):
            if value % heads:
                raise ValueError(f"{name} ({value}) must be divisible by num_heads ({heads})")
        if self._num_layers > 1 and self._query_token_dim != self._v_dim:
            raise ValueError(
                f"query_token_dim ({self._query_token_dim}) and v_dim ({self._v_dim}) must be equal with several layers"
            )

    def _make_layer(self, size: int) -> nn.ModuleDict:
        hidden = int(size * self._mlp_ratio)
        return nn.ModuleDict(
            {
                "q_proj": nn.Linear(size, self._qk_dim, bias=False),
                "attn_out_proj": nn.Linear(self._v_dim, size),
                "norm1": nn.LayerNorm(size),
                "norm2": nn.LayerNorm(size),
                "mlp": nn.Sequential(nn.Linear(size, hidden), nn.GELU(), nn.Linear(hidden, size)),
            }
        )

    def _batch(self, td: Blackboard, x: Tensor) -> int:
        return int(td["_BxTT_"])

    def _forward(self, td: Blackboard) -> Blackboard:
        x = td[(self._sources or [])[0]["name"]]
        mask = td["obs_mask"] if self._use_mask else None
        queries = self._q_token.expand(self._batch(td, x), -1, -1)
        normed = self.norm_kv(x)
        k, v = self._by_head(self.k_proj(normed)), self._by_head(self.v_proj(normed))
        for layer in self.layers:
            parts: Any = layer
            q = self._by_head(parts["q_proj"](parts["norm1"](queries)))
            scores = torch.einsum("bhqd,bhkd->bhqk", q, k) * self._scale
            if mask is not None:
                scores = scores + mask[:, None, None, :].to(scores.dtype) * -torch.finfo(scores.dtype).max
            attended = torch.einsum("bhqk,bhkd->bhqd", scores.softmax(dim=-1), v)
            queries = queries + parts["attn_out_proj"](rearrange(attended, "b h q d -> b q (h d)"))
            queries = queries + parts["mlp"](parts["norm2"](queries))
        output = self.output_proj(self.final_norm(queries))
        td[str(self._name)] = output[:, 0] if self._use_cls_token else output
        return td

    def _by_head(self, x: Tensor) -> Tensor:
        return rearrange(x, "b m (h d) -> b h m d", h=self._num_heads)


class ObsLatentAttnE10(ObsLatentAttn):
    """From 2025-08-19: the batch is that of the source."""

    def _batch(self, td: Any, x: Tensor) -> int:
        return x.shape[0]
