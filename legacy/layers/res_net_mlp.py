"""`ResNetMLP`: a deep stack of residual blocks of one width (2025-07-05 to the end)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from legacy.base import Blackboard, LayerBase


class Swish(nn.Module):
    """`x * sigmoid(beta * x)` with a learned number `beta`, a parameter without dimensions."""

    def __init__(self) -> None:
        super().__init__()
        self.beta = nn.Parameter(torch.tensor(1.0))

    def forward(self, x: Tensor) -> Tensor:
        """Any shape -> the same shape."""
        return x * torch.sigmoid(self.beta * x)


class ResidualBlock(nn.Module):
    """Four times linear, layer norm and swish, around which the input goes."""

    def __init__(self, size: int) -> None:
        super().__init__()
        parts = [part for _ in range(4) for part in (nn.Linear(size, size), nn.LayerNorm(size), Swish())]
        self.block = nn.Sequential(*parts)

    def forward(self, x: Tensor) -> Tensor:
        """`[..., size]` -> the same shape."""
        result: Tensor = x + self.block(x)
        return result


class ResNetMLP(LayerBase):
    """`[B, in]` -> the same shape: `depth` layers in blocks of four, as wide as the input, with torch's own weights.

    Quirks kept: `depth` stands beside `nn_params`, which nothing reads; `_net` stays None.

    Raises:
        ValueError: "Depth must be a multiple of 4."
    """

    def __init__(self, depth: int, **cfg: Any) -> None:
        super().__init__(**cfg)
        self.depth = depth
        if depth % 4 != 0:
            raise ValueError("Depth must be a multiple of 4.")

    def _make_net(self) -> None:
        size = self._in_tensor_shapes[0][0]
        self._out_tensor_shape = self._in_tensor_shapes[0].copy()
        self.residual_layers = nn.Sequential(*(ResidualBlock(size) for _ in range(self.depth // 4)))

    def _forward(self, td: Blackboard) -> Blackboard:
        td[str(self._name)] = self.residual_layers(td[self._sources[0]["name"]])
        return td
