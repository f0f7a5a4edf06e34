"""`MaxPool1d`: the maximum of windows along a sequence."""

from __future__ import annotations

from torch import nn

from legacy.pools import PoolLayer


class MaxPool1d(PoolLayer):
    """`[B, C, L]` -> `[B, C, M]`, the maximum of windows of C values.

    `nn_params` goes to `nn.MaxPool1d`; quirks as in `PoolLayer` (trap 28).
    """

    pool = nn.MaxPool1d
