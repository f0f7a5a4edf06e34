"""`Tanh`: the activation as a component of its own (E11)."""

from __future__ import annotations

from torch import nn

from legacy.base import LayerBase


class Tanh(LayerBase):
    """Any shape -> the same shape."""

    def _make_net(self) -> nn.Module:
        self._out_tensor_shape = self._in_tensor_shapes[0].copy()
        return nn.Tanh()
