"""`Dropout`: elementwise dropout, in training."""

from __future__ import annotations

from torch import nn

from legacy.base import LayerBase
from legacy.early import EarlyLayer, PublicNames


class Dropout(LayerBase):
    """Any shape -> the same shape; `nn_params` goes to `nn.Dropout`."""

    def _make_net(self) -> nn.Module:
        self._out_tensor_shape = self._in_tensor_shapes[0].copy()
        return nn.Dropout(**self._nn_params)


class DropoutE2(EarlyLayer, Dropout):
    """E2 and E3."""


class DropoutE1(PublicNames, DropoutE2):
    """E1."""
