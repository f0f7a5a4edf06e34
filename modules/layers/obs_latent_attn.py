"""`ObsLatentAttnModule`: learned queries that attend to tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from modules.base import Shape, TokenAttentionModule, positive
from modules.errors import ConfigError

# N batch times time, M tokens, Q queries, D size of a token or of a head, A heads


class _Block(nn.Module):
    """One attention and the layers behind it; `size` is that of a query."""

    def __init__(self, size: int, qk_dim: int, v_dim: int, hidden: int) -> None:
        super().__init__()
        self.to_q = nn.Linear(size, qk_dim, bias=False)
        self.to_out = nn.Linear(v_dim, size)
        self.norm1, self.norm2 = nn.LayerNorm(size), nn.LayerNorm(size)
        self.mlp_in, self.mlp_out = nn.Linear(size, hidden), nn.Linear(hidden, size)

    def mlp(self, x: Tensor) -> Tensor:
        """A GELU layer behind a layer norm."""
        y: Tensor = self.mlp_out(F.gelu(self.mlp_in(self.norm2(x))))
        return y


class ObsLatentAttnModule(TokenAttentionModule):
    """Tokens `[N, M, in_dim]`, perhaps `obs_mask` `[N, M]` -> `[N, Q, out_dim]`, or `[N, out_dim]`.

    Keys and values are made once; in each block the queries attend to them and pass a GELU layer, each with a layer
    norm before and a residual around.

    Args:
        in_dim: size of a token.
        out_dim: size of an output; projected to only if it is not that of a query.
        use_mask: whether tokens where `obs_mask` is true are left out; if all are, all count.
        num_query_tokens: Q.
        num_heads: must divide `qk_dim` and `v_dim`.
        num_layers: blocks.
        query_token_dim: size of a query; `in_dim` if None.
        qk_dim: size of the products of query and key, all heads together; that of a query if None.
        v_dim: size of the values, likewise; with several blocks that of a query.
        mlp_ratio: hidden size of the GELU layers, in sizes of a query.
        use_cls_token: whether the first query alone is the output.

    Raises:
        ConfigError: a size that is not positive or does not fit.
    """

    io_sizes = ("in_dim", "out_dim", "num_query_tokens", "use_cls_token")

    def __init__(  # noqa: PLR0913 - the options of the old class
        self,
        in_dim: int,
        out_dim: int,
        *,
        use_mask: bool = False,
        num_query_tokens: int = 1,
        num_heads: int = 1,
        num_layers: int = 1,
        query_token_dim: int | None = None,
        qk_dim: int | None = None,
        v_dim: int | None = None,
        mlp_ratio: float = 4.0,
        use_cls_token: bool = False,
        in_keys: Sequence[str] | None = None,
        out_keys: Sequence[str] = ("output",),
    ) -> None:
        size = in_dim if query_token_dim is None else query_token_dim
        qk_dim, v_dim = size if qk_dim is None else qk_dim, size if v_dim is None else v_dim
        positive(in_dim=in_dim, out_dim=out_dim, num_query_tokens=num_query_tokens, num_heads=num_heads)
        positive(num_layers=num_layers, query_token_dim=size, qk_dim=qk_dim, v_dim=v_dim)
        hidden = int(size * mlp_ratio)
        _check_fit(num_heads, num_layers, size, qk_dim, v_dim)
        if hidden < 1:
            raise ConfigError(f"mlp_ratio must give at least one hidden unit, got {mlp_ratio!r}")
        super().__init__(use_mask, in_keys, out_keys)
        self.in_dim, self.out_dim = in_dim, out_dim
        self.num_query_tokens, self.num_heads, self.num_layers = num_query_tokens, num_heads, num_layers
        self.query_token_dim, self.qk_dim, self.v_dim = size, qk_dim, v_dim
        self.use_cls_token = use_cls_token
        self._scale = (qk_dim // num_heads) ** -0.5
        self.query = nn.Parameter(torch.randn(1, num_query_tokens, size))  # drawn twice, as in the old stack
        nn.init.trunc_normal_(self.query, std=0.02)
        self.norm_kv = nn.LayerNorm(in_dim)
        self.to_k = nn.Linear(in_dim, qk_dim, bias=False)
        self.to_v = nn.Linear(in_dim, v_dim, bias=False)
        self.blocks = nn.ModuleList([_Block(size, qk_dim, v_dim, hidden) for _ in range(num_layers)])
        self.final_norm = nn.LayerNorm(size)
        self.project = nn.Identity() if size == out_dim else nn.Linear(size, out_dim)

    def compute(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """`x` `[N, M, in_dim]`, `mask` `[N, M]` if `use_mask` -> `[N, Q, out_dim]` or `[N, out_dim]`."""
        rows = x.shape[0]
        query = self.query.expand(rows, -1, -1)
        normed = self.norm_kv(x)
        k_NAMD, v_NAMD = self._by_head(self.to_k(normed)), self._by_head(self.to_v(normed))
        bias = None
        if mask is not None:
            bias = mask[:, None, None].to(k_NAMD.dtype) * -torch.finfo(k_NAMD.dtype).max
        for each in self.blocks:
            block: Any = each
            query = query + self._attend(block, query, k_NAMD, v_NAMD, bias)
            query = query + block.mlp(query)
        y: Tensor = self.project(self.final_norm(query))
        return y[:, 0] if self.use_cls_token else y

    def _attend(self, block: Any, query: Tensor, k_NAMD: Tensor, v_NAMD: Tensor, bias: Tensor | None) -> Tensor:
        """What the queries `[N, Q, size]` find among the tokens, of their own shape."""
        q_NAQD = self._by_head(block.to_q(block.norm1(query)))
        scores = torch.einsum("naqd,namd->naqm", q_NAQD, k_NAMD) * self._scale
        if bias is not None:
            scores = scores + bias
        attended = torch.einsum("naqm,namd->naqd", scores.softmax(dim=-1), v_NAMD)
        y: Tensor = block.to_out(attended.transpose(1, 2).flatten(2))
        return y

    @classmethod
    def output_shape(cls, in_shapes: tuple[Shape, ...], options: Mapping[str, Any]) -> Shape:
        """`(Q, out_dim)` or `(out_dim,)`."""
        vector = (options["out_dim"],)
        return vector if options.get("use_cls_token") else (options.get("num_query_tokens", 1), *vector)


def _check_fit(num_heads: int, num_layers: int, size: int, qk_dim: int, v_dim: int) -> None:
    """Raises ConfigError: "... must be divisible by num_heads ...", "... must be equal ..."."""
    for name, value in (("qk_dim", qk_dim), ("v_dim", v_dim)):
        if value % num_heads:
            raise ConfigError(f"{name} ({value}) must be divisible by num_heads ({num_heads})")
    if num_layers > 1 and size != v_dim:
        raise ConfigError(f"query_token_dim ({size}) and v_dim ({v_dim}) must be equal with several layers")
