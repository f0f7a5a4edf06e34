"""`BatchNorm1d`: each channel normalised by its mean and variance over the batch."""

from __future__ import annotations

from torch import nn

from legacy.base import LayerBase
from legacy.early import EarlyLayer, PublicNames


class BatchNorm1d(LayerBase):
    """`[B, C]` or `[B, C, L]` -> the same shape; `nn_params` goes to `nn.BatchNorm1d`.

    Quirk kept: a source of another rank is found at `forward` only.
    """

    def _make_net(self) -> nn.Module:
        self._out_tensor_shape = self._in_tensor_shapes[0].copy()
        return nn.BatchNorm1d(self._in_tensor_shapes[0][0], **self._nn_params)


class BatchNorm1dE2(EarlyLayer, BatchNorm1d):
    """E2 and E3."""


class BatchNorm1dE1(PublicNames, BatchNorm1dE2):
    """E1."""
