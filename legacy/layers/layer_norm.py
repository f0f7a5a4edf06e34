"""`LayerNorm`: normalisation over the first feature dimension's size."""

from __future__ import annotations

from torch import nn

from legacy.base import LayerBase


class LayerNorm(LayerBase):
    """`[B, ..., in]` -> the same shape; `nn_params` goes to `nn.LayerNorm`."""

    def _make_net(self) -> nn.Module:
        self._out_tensor_shape = self._in_tensor_shapes[0].copy()
        return nn.LayerNorm(self._in_tensor_shapes[0][0], **self._nn_params)
