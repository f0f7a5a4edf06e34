"""`ObsSelfAttnModule`: tokens that attend to each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from modules.base import Shape, TokenAttentionModule, positive
from modules.errors import ConfigError

# N batch times time, M tokens, D size of a token or of a head, A heads


class ObsSelfAttnModule(TokenAttentionModule):
    """Tokens `[N, M, in_dim]`, perhaps `obs_mask` `[N, M]` -> `[N, M, out_dim]`, or `[N, out_dim]`.

    Attention only, each with a layer norm before and a residual around; a layer norm at the end.

    Args:
        in_dim: size of a token.
        out_dim: size of an output; projected to only if it is not `in_dim`.
        use_mask: whether tokens where `obs_mask` is true are left out; if all are, all count.
        num_layers: attentions.
        num_heads: must divide `in_dim`.
        use_cls_token: whether a learned token is put in front, which alone is the output; it is never masked.

    Raises:
        ConfigError: a size that is not positive, "in_dim ... must be divisible by num_heads ...".
    """

    io_sizes = ("in_dim", "out_dim", "use_cls_token")

    def __init__(
        self,
        in_dim: int,
        out_dim: int,
        *,
        use_mask: bool = False,
        num_layers: int = 1,
        num_heads: int = 1,
        use_cls_token: bool = False,
        in_keys: Sequence[str] | None = None,
        out_keys: Sequence[str] = ("output",),
    ) -> None:
        positive(in_dim=in_dim, out_dim=out_dim, num_layers=num_layers, num_heads=num_heads)
        if in_dim % num_heads:
            raise ConfigError(f"in_dim ({in_dim}) must be divisible by num_heads ({num_heads})")
        super().__init__(use_mask, in_keys, out_keys)
        self.in_dim, self.out_dim = in_dim, out_dim
        self.num_layers, self.num_heads, self.use_cls_token = num_layers, num_heads, use_cls_token
        self._scale = (in_dim // num_heads) ** -0.5
        if use_cls_token:
            self.cls_token = nn.Parameter(torch.randn(1, 1, in_dim))
        self.norms = nn.ModuleList([nn.LayerNorm(in_dim) for _ in range(num_layers)])
        self.to_q, self.to_k, self.to_v, self.to_out = (nn.ModuleList() for _ in range(4))
        # Drawn layer by layer, registered list by list, as in the old stack: seeds and optimizers depend on it.
        for _ in range(num_layers):
            for projections in (self.to_q, self.to_k, self.to_v):
                projections.append(nn.Linear(in_dim, in_dim, bias=False))
            self.to_out.append(nn.Linear(in_dim, in_dim))
        self.final_norm = nn.LayerNorm(in_dim)
        self.project = nn.Identity() if in_dim == out_dim else nn.Linear(in_dim, out_dim)

    def compute(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """`x` `[N, M, in_dim]`, `mask` `[N, M]` if `use_mask` -> `[N, M, out_dim]` or `[N, out_dim]`."""
        if self.use_cls_token:
            x = torch.cat([self.cls_token.expand(x.shape[0], -1, -1), x], dim=1)
            mask = None if mask is None else torch.cat([mask.new_zeros(mask.shape[0], 1), mask], dim=1)
        for norm, to_q, to_k, to_v, to_out in zip(
            self.norms, self.to_q, self.to_k, self.to_v, self.to_out, strict=True
        ):
            normed = norm(x)
            q_NAMD, k_NAMD, v_NAMD = (self._by_head(project(normed)) for project in (to_q, to_k, to_v))
            scores = torch.einsum("naqd,namd->naqm", q_NAMD, k_NAMD) * self._scale
            if mask is not None:
                scores = scores + mask[:, None, None, :].to(scores.dtype) * -torch.finfo(scores.dtype).max
            attended = torch.einsum("naqm,namd->naqd", scores.softmax(dim=-1), v_NAMD)
            x = x + to_out(attended.transpose(1, 2).flatten(2))
        y: Tensor = self.project(self.final_norm(x))
        return y[:, 0] if self.use_cls_token else y

    @classmethod
    def output_shape(cls, in_shapes: tuple[Shape, ...], options: Mapping[str, Any]) -> Shape:
        """`(M, out_dim)` or `(out_dim,)`."""
        vector = (options["out_dim"],)
        return vector if options.get("use_cls_token") else (in_shapes[0][0], *vector)
