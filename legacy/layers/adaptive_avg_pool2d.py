"""`AdaptiveAvgPool2d`: the mean of as many windows of an image as asked for."""

from __future__ import annotations

from torch import nn

from legacy.early import EarlyLayer, PublicNames
from legacy.pools import PoolLayer


class AdaptiveAvgPool2d(PoolLayer):
    """`[B, C, H, W]` -> `[B, C, C, C]`, the mean of C x C windows of even size.

    `nn_params` goes to `nn.AdaptiveAvgPool2d`; quirks as in `PoolLayer` (trap 28).
    """

    pool = nn.AdaptiveAvgPool2d


class AdaptiveAvgPool2dE2(EarlyLayer, AdaptiveAvgPool2d):
    """E2 and E3."""


class AdaptiveAvgPool2dE1(PublicNames, AdaptiveAvgPool2dE2):
    """E1."""
