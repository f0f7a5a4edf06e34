"""`MaxPool2d`: the maximum of windows of an image."""

from __future__ import annotations

from torch import nn

from legacy.early import EarlyLayer, PublicNames
from legacy.pools import PoolLayer


class MaxPool2d(PoolLayer):
    """`[B, C, H, W]` -> `[B, C, h, w]`, the maximum of windows of C x C values.

    `nn_params` goes to `nn.MaxPool2d`; quirks as in `PoolLayer` (trap 28).
    """

    pool = nn.MaxPool2d


class MaxPool2dE2(EarlyLayer, MaxPool2d):
    """E2 and E3."""


class MaxPool2dE1(PublicNames, MaxPool2dE2):
    """E1."""
