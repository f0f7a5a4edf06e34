"""`AvgPool1d`: the mean of windows along a sequence."""

from __future__ import annotations

from torch import nn

from legacy.early import EarlyLayer, PublicNames
from legacy.pools import PoolLayer


class AvgPool1d(PoolLayer):
    """`[B, C, L]` -> `[B, C, M]`, the mean of windows of C values.

    `nn_params` goes to `nn.AvgPool1d`; quirks as in `PoolLayer` (trap 28).
    """

    pool = nn.AvgPool1d


class AvgPool1dE2(EarlyLayer, AvgPool1d):
    """E2 and E3."""


class AvgPool1dE1(PublicNames, AvgPool1dE2):
    """E1."""
