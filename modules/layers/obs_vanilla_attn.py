"""`ObsVanillaAttnModule`: one head of self-attention over tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from modules.base import Shape, TokenAttentionModule, positive

# N batch times time, M tokens, D features of a token


class ObsVanillaAttnModule(TokenAttentionModule):
    """Tokens `[N, M, D]` and perhaps a mask `[N, M]`, true for what is ignored -> `[N, M, out_dim]`.

    Normalised before the attention and behind the residual sum; the output is projected where its size is not D. Where
    every token of a row is masked, attention is uniform.

    Args:
        feature_dim: D.
        out_dim: size of the output's last dimension.
        use_mask: whether there is a mask.

    Raises:
        ConfigError: a size that is not positive.
    """

    io_sizes = ("feature_dim", "out_dim")

    def __init__(
        self,
        feature_dim: int,
        out_dim: int,
        *,
        use_mask: bool = False,
        in_keys: Sequence[str] | None = None,
        out_keys: Sequence[str] = ("output",),
    ) -> None:
        positive(feature_dim=feature_dim, out_dim=out_dim)
        super().__init__(use_mask, in_keys, out_keys)
        self.feature_dim, self.out_dim = feature_dim, out_dim
        self.qkv_weight = nn.Parameter(torch.empty(feature_dim, 3 * feature_dim))
        self.qkv_bias = nn.Parameter(torch.zeros(3 * feature_dim))
        nn.init.xavier_uniform_(self.qkv_weight)
        self.input_norm_weight = nn.Parameter(torch.ones(feature_dim))
        self.input_norm_bias = nn.Parameter(torch.zeros(feature_dim))
        self.output_norm_weight = nn.Parameter(torch.ones(feature_dim))
        self.output_norm_bias = nn.Parameter(torch.zeros(feature_dim))
        self.projects_output = feature_dim != out_dim
        if self.projects_output:
            output = nn.Linear(feature_dim, out_dim)
            self.output_weight, self.output_bias = output.weight, output.bias

    def compute(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """`x` `[N, M, D]`, `mask` `[N, M]` bool -> `[N, M, out_dim]`."""
        size = (self.feature_dim,)
        normed = F.layer_norm(x, size, self.input_norm_weight, self.input_norm_bias)
        qkv = torch.einsum("nmd,df->nmf", normed, self.qkv_weight) + self.qkv_bias
        q, k, v = qkv.chunk(3, dim=-1)
        scores = torch.einsum("nqd,nkd->nqk", q, k) * self.feature_dim**-0.5
        if mask is not None:
            scores = scores.masked_fill(mask.unsqueeze(1), -torch.finfo(scores.dtype).max)
        attended = torch.einsum("nqk,nkd->nqd", torch.softmax(scores, dim=-1), v)
        result = F.layer_norm(x + attended, size, self.output_norm_weight, self.output_norm_bias)
        return F.linear(result, self.output_weight, self.output_bias) if self.projects_output else result

    @classmethod
    def output_shape(cls, in_shapes: tuple[Shape, ...], options: Mapping[str, Any]) -> Shape:
        """`(M, out_dim)`."""
        return (in_shapes[0][0], options["out_dim"])
