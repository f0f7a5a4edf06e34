"""`ResNetMLPModule`: a deep stack of residual blocks of one width."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from modules.base import BuildContext, MettaModule, only_source, positive
from modules.errors import ConfigError

LAYERS_OF_A_BLOCK = 4


class _Layer(nn.Module):
    """`[..., size]` -> the same shape: linear, layer norm, and `x * sigmoid(beta * x)` with a learned number `beta`."""

    def __init__(self, size: int) -> None:
        super().__init__()
        linear, norm = nn.Linear(size, size), nn.LayerNorm(size)
        self.weight, self.bias = linear.weight, linear.bias
        self.norm_weight, self.norm_bias = norm.weight, norm.bias
        self.beta = nn.Parameter(torch.tensor(1.0))

    def forward(self, x: Tensor) -> Tensor:
        """`x` `[..., size]` -> the same shape."""
        x = F.linear(x, self.weight, self.bias)
        x = F.layer_norm(x, (x.shape[-1],), self.norm_weight, self.norm_bias)
        return x * torch.sigmoid(self.beta * x)


class ResNetMLPModule(MettaModule):
    """`[..., size]` -> the same shape; the input of every four layers is added to their output.

    Args:
        size: width of all layers.
        depth: number of layers.

    Raises:
        ConfigError: a size that is not positive, "depth must be a multiple of 4, ...".
    """

    io_sizes = ("size", "size")

    def __init__(
        self,
        size: int,
        depth: int,
        *,
        in_keys: Sequence[str] = ("input",),
        out_keys: Sequence[str] = ("output",),
    ) -> None:
        positive(size=size, depth=depth)
        if depth % LAYERS_OF_A_BLOCK:
            raise ConfigError(f"depth must be a multiple of {LAYERS_OF_A_BLOCK}, got {depth}")
        super().__init__(in_keys, out_keys)
        self.size, self.depth = size, depth
        self.layers = nn.ModuleList(_Layer(size) for _ in range(depth))

    def compute(self, x: Tensor) -> Tensor:
        """`x` `[..., size]` -> the same shape."""
        layers = list(self.layers)
        for start in range(0, self.depth, LAYERS_OF_A_BLOCK):
            y = x
            for layer in layers[start : start + LAYERS_OF_A_BLOCK]:
                y = layer(y)
            x = x + y
        return x

    @classmethod
    def from_context(cls, context: BuildContext) -> dict[str, Any]:
        """The first size of the source, which is the last one for a vector."""
        return {"size": only_source(context)[0]}
