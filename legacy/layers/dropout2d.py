"""`Dropout2d`: dropout of whole channels, in training."""

from __future__ import annotations

from torch import nn

from legacy.base import LayerBase
from legacy.early import EarlyLayer, PublicNames


class Dropout2d(LayerBase):
    """Any shape -> the same shape; `nn_params` goes to `nn.Dropout2d`."""

    def _make_net(self) -> nn.Module:
        self._out_tensor_shape = self._in_tensor_shapes[0].copy()
        return nn.Dropout2d(**self._nn_params)


class Dropout2dE2(EarlyLayer, Dropout2d):
    """E2 and E3."""


class Dropout2dE1(PublicNames, Dropout2dE2):
    """E1."""
