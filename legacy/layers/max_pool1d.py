"""`MaxPool1d`: the maximum of windows along a sequence."""

from __future__ import annotations

from torch import nn

from legacy.early import EarlyLayer, PublicNames
from legacy.pools import PoolLayer


class MaxPool1d(PoolLayer):
    """`[B, C, L]` -> `[B, C, M]`, the maximum of windows of C values.

    `nn_params` goes to `nn.MaxPool1d`; quirks as in `PoolLayer` (trap 28).
    """

    pool = nn.MaxPool1d


class MaxPool1dE2(EarlyLayer, MaxPool1d):
    """E2 and E3."""


class MaxPool1dE1(PublicNames, MaxPool1dE2):
    """E1."""
