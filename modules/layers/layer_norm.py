"""`LayerNormModule`: normalisation of the last dimension, with learned scale and shift."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from modules.base import BuildContext, MettaModule, only_source, positive


class LayerNormModule(MettaModule):
    """`[..., normalized_shape]` -> the same shape.

    Args:
        normalized_shape: size of the last dimension.
        eps: added to the variance.
        elementwise_affine: whether to learn scale and shift.
        bias: whether to learn the shift.

    Raises:
        ConfigError: a size that is not positive.
    """

    io_sizes = ("normalized_shape", "normalized_shape")
    weight: Tensor | None
    bias: Tensor | None

    def __init__(
        self,
        normalized_shape: int,
        *,
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        in_keys: Sequence[str] = ("input",),
        out_keys: Sequence[str] = ("output",),
    ) -> None:
        positive(normalized_shape=normalized_shape)
        super().__init__(in_keys, out_keys)
        self.normalized_shape, self.eps = normalized_shape, eps
        ones, zeros = torch.ones(normalized_shape), torch.zeros(normalized_shape)
        self.register_parameter("weight", nn.Parameter(ones) if elementwise_affine else None)
        self.register_parameter("bias", nn.Parameter(zeros) if elementwise_affine and bias else None)

    def compute(self, x: Tensor) -> Tensor:
        """`x` `[..., normalized_shape]` -> the same shape."""
        return F.layer_norm(x, (self.normalized_shape,), self.weight, self.bias, self.eps)

    @classmethod
    def from_context(cls, context: BuildContext) -> dict[str, Any]:
        """The first size of the source, which is the last one for a vector."""
        return {"normalized_shape": only_source(context)[0]}
