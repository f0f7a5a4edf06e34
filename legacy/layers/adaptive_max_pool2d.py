"""`AdaptiveMaxPool2d`: the maximum of as many windows of an image as asked for."""

from __future__ import annotations

from torch import nn

from legacy.early import EarlyLayer, PublicNames
from legacy.pools import PoolLayer


class AdaptiveMaxPool2d(PoolLayer):
    """`[B, C, H, W]` -> `[B, C, C, C]`, the maximum of C x C windows of even size.

    `nn_params` goes to `nn.AdaptiveMaxPool2d`; quirks as in `PoolLayer` (trap 28).
    """

    pool = nn.AdaptiveMaxPool2d


class AdaptiveMaxPool2dE2(EarlyLayer, AdaptiveMaxPool2d):
    """E2 and E3."""


class AdaptiveMaxPool2dE1(PublicNames, AdaptiveMaxPool2dE2):
    """E1."""
