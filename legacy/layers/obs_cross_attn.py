"""`ObsCrossAttn`: learned queries attend to tokens; four incompatible versions (2025-05-30 to 06-18)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from legacy.base import Blackboard, LayerBase


class _CrossAttn(LayerBase):
    """The attention, which is the same in all versions."""

    _use_mask: bool
    _q_token: Tensor
    _layer_norm_1: nn.Module
    _layer_norm_2: nn.Module
    q_proj: nn.Module
    k_proj: nn.Module
    v_proj: nn.Module
    _out_proj: nn.Module

    def _forward(self, td: Blackboard) -> Blackboard:
        x = self._normed(td[self._sources[0]["name"]])
        queries = self.q_proj(self._projected(self._q_token.expand(x.shape[0], -1, -1)))
        keys, values = self.k_proj(x), self.v_proj(x)
        scores = torch.einsum("bqd,bkd->bqk", queries, keys) / (queries.shape[-1] ** 0.5)
        if self._use_mask:
            scores = scores.masked_fill(td["obs_mask"].unsqueeze(1), float("-inf"))
        attended = torch.einsum("bqk,bkd->bqd", torch.softmax(scores, dim=-1), values)
        td[str(self._name)] = self._shaped(self._out_proj(self._layer_norm_2(attended)))
        return td

    def _normed(self, x: Tensor) -> Tensor:
        normed: Tensor = self._layer_norm_1(x)
        return normed

    def _projected(self, queries: Tensor) -> Tensor:
        return queries

    def _shaped(self, x: Tensor) -> Tensor:
        return x.flatten(1)


class ObsCrossAttn(_CrossAttn):
    """`[B * T, M, D]` -> `[B * T, out_dim]`: one query of the agent's hidden size, projected to D.

    Quirks kept: the first norm, of the hidden size, has weights and is never used; a row whose tokens are all masked
    becomes NaN, since masked scores are infinite.
    """

    def __init__(
        self, out_dim: int, hidden_size: int, core_num_layers: int, use_mask: bool = False, **cfg: Any
    ) -> None:
        super().__init__(**cfg)
        self._out_dim = out_dim
        self._hidden_size = hidden_size
        self._core_num_layers = core_num_layers
        self._use_mask = use_mask

    def _make_net(self) -> None:
        self._M = self._in_tensor_shapes[0][0]
        self._feat_dim = self._in_tensor_shapes[0][1]
        self._out_tensor_shape = [self._out_dim]
        self._q_token = nn.Parameter(torch.randn(1, 1, self._hidden_size))
        self._layer_norm_1 = nn.LayerNorm(self._norm_size())
        self._feat_proj = _linear_or_identity(self._hidden_size, self._feat_dim)
        self._make_rest()

    def _norm_size(self) -> int:
        return self._hidden_size

    def _make_rest(self) -> None:
        self.q_proj = nn.Linear(self._feat_dim, self._feat_dim, bias=False)
        self.k_proj = nn.Linear(self._feat_dim, self._feat_dim, bias=False)
        self.v_proj = nn.Linear(self._feat_dim, self._feat_dim, bias=False)
        self._layer_norm_2 = nn.LayerNorm(self._feat_dim)
        self._out_proj = _linear_or_identity(self._feat_dim, self._out_dim)

    def _normed(self, x: Tensor) -> Tensor:
        return x

    def _projected(self, queries: Tensor) -> Tensor:
        projected: Tensor = self._feat_proj(queries)
        return projected


class ObsCrossAttn0603(ObsCrossAttn):
    """From 2025-06-03: the first norm has the size of the tokens and is used on them."""

    def _norm_size(self) -> int:
        return int(self._feat_dim)

    _normed = _CrossAttn._normed


class ObsCrossAttn0604(ObsCrossAttn0603):
    """From 2025-06-04: the query has the size of the tokens and is not projected."""

    def _make_net(self) -> None:
        self._M = self._in_tensor_shapes[0][0]
        self._feat_dim = self._in_tensor_shapes[0][1]
        self._out_tensor_shape = [self._out_dim]
        self._q_token = nn.Parameter(torch.randn(1, 1, self._feat_dim))
        self._layer_norm_1 = nn.LayerNorm(self._feat_dim)
        self._make_rest()

    _projected = _CrossAttn._projected


class ObsCrossAttn0604b(_CrossAttn):
    """From 2025-06-04, later that day: `[B * T, M, D]` -> `[B * T, Q, out_dim]`, or `[B * T, out_dim]` for one query.

    Sizes that are not given are D. Quirk kept: a row whose tokens are all masked becomes NaN.

    Raises:
        ValueError: "mlp_out_hidden_dim must be provided if v_dim != out_dim".
    """

    def __init__(
        self,
        out_dim: int,
        use_mask: bool = False,
        num_query_tokens: int = 1,
        query_token_dim: int | None = None,
        qk_dim: int | None = None,
        v_dim: int | None = None,
        mlp_out_hidden_dim: int | None = None,
        **cfg: Any,
    ) -> None:
        super().__init__(**cfg)
        self._out_dim = out_dim
        self._use_mask = use_mask
        self._num_query_tokens = num_query_tokens
        self._query_token_dim: Any = query_token_dim
        self._qk_dim: Any = qk_dim
        self._v_dim: Any = v_dim
        self._mlp_out_hidden_dim = mlp_out_hidden_dim

    def _make_net(self) -> None:
        self._M = self._in_tensor_shapes[0][0]
        self._feat_dim = self._in_tensor_shapes[0][1]
        one = self._num_query_tokens == 1
        self._out_tensor_shape = [self._out_dim] if one else [self._num_query_tokens, self._out_dim]
        for size in ("_query_token_dim", "_qk_dim", "_v_dim"):
            if getattr(self, size) is None:
                setattr(self, size, self._feat_dim)
        self._q_token = nn.Parameter(torch.randn(1, self._num_query_tokens, self._query_token_dim))
        self._layer_norm_1 = nn.LayerNorm(self._feat_dim)
        self.q_proj = nn.Linear(self._query_token_dim, self._qk_dim, bias=False)
        self.k_proj = nn.Linear(self._feat_dim, self._qk_dim, bias=False)
        self.v_proj = nn.Linear(self._feat_dim, self._v_dim, bias=False)
        self._layer_norm_2 = nn.LayerNorm(self._v_dim)
        self._out_proj = nn.Identity()
        if self._v_dim != self._out_dim or self._mlp_out_hidden_dim is not None:
            if self._mlp_out_hidden_dim is None:
                raise ValueError("mlp_out_hidden_dim must be provided if v_dim != out_dim")
            self._out_proj = nn.Sequential(
                nn.Linear(self._v_dim, self._mlp_out_hidden_dim),
                nn.ReLU(),
                nn.Linear(self._mlp_out_hidden_dim, self._out_dim),
            )

    def _shaped(self, x: Tensor) -> Tensor:
        return x.squeeze(1) if self._num_query_tokens == 1 else x


def _linear_or_identity(size_in: int, size_out: int) -> nn.Module:
    return nn.Identity() if size_in == size_out else nn.Linear(size_in, size_out)
