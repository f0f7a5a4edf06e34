"""`AdaptiveAvgPool1d`: the mean of as many windows along a sequence as asked for."""

from __future__ import annotations

from torch import nn

from legacy.early import EarlyLayer, PublicNames
from legacy.pools import PoolLayer


class AdaptiveAvgPool1d(PoolLayer):
    """`[B, C, L]` -> `[B, C, C]`, the mean of C windows of even size.

    `nn_params` goes to `nn.AdaptiveAvgPool1d`; quirks as in `PoolLayer` (trap 28).
    """

    pool = nn.AdaptiveAvgPool1d


class AdaptiveAvgPool1dE2(EarlyLayer, AdaptiveAvgPool1d):
    """E2 and E3."""


class AdaptiveAvgPool1dE1(PublicNames, AdaptiveAvgPool1dE2):
    """E1."""
