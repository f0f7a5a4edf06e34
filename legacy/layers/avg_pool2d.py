"""`AvgPool2d`: the mean of windows of an image."""

from __future__ import annotations

from torch import nn

from legacy.early import EarlyLayer, PublicNames
from legacy.pools import PoolLayer


class AvgPool2d(PoolLayer):
    """`[B, C, H, W]` -> `[B, C, h, w]`, the mean of windows of C x C values.

    `nn_params` goes to `nn.AvgPool2d`; quirks as in `PoolLayer` (trap 28).
    """

    pool = nn.AvgPool2d


class AvgPool2dE2(EarlyLayer, AvgPool2d):
    """E2 and E3."""


class AvgPool2dE1(PublicNames, AvgPool2dE2):
    """E1."""
