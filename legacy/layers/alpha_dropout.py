"""`AlphaDropout`: dropout that keeps mean and variance of self-normalising layers, in training."""

from __future__ import annotations

from torch import nn

from legacy.base import LayerBase
from legacy.early import EarlyLayer, PublicNames


class AlphaDropout(LayerBase):
    """Any shape -> the same shape; `nn_params` goes to `nn.AlphaDropout`."""

    def _make_net(self) -> nn.Module:
        self._out_tensor_shape = self._in_tensor_shapes[0].copy()
        return nn.AlphaDropout(**self._nn_params)


class AlphaDropoutE2(EarlyLayer, AlphaDropout):
    """E2 and E3."""


class AlphaDropoutE1(PublicNames, AlphaDropoutE2):
    """E1."""
