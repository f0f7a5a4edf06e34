"""`AdaptiveMaxPool1d`: the maximum of as many windows along a sequence as asked for."""

from __future__ import annotations

from torch import nn

from legacy.early import EarlyLayer, PublicNames
from legacy.pools import PoolLayer


class AdaptiveMaxPool1d(PoolLayer):
    """`[B, C, L]` -> `[B, C, C]`, the maximum of C windows of even size.

    `nn_params` goes to `nn.AdaptiveMaxPool1d`; quirks as in `PoolLayer` (trap 28).
    """

    pool = nn.AdaptiveMaxPool1d


class AdaptiveMaxPool1dE2(EarlyLayer, AdaptiveMaxPool1d):
    """E2 and E3."""


class AdaptiveMaxPool1dE1(PublicNames, AdaptiveMaxPool1dE2):
    """E1."""
