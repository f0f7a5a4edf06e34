"""`AdaptiveMaxPool1d`: the maximum of as many windows along a sequence as asked for."""

from __future__ import annotations

from torch import nn

from legacy.pools import PoolLayer


class AdaptiveMaxPool1d(PoolLayer):
    """`[B, C, L]` -> `[B, C, C]`, the maximum of C windows of even size.

    `nn_params` goes to `nn.AdaptiveMaxPool1d`; quirks as in `PoolLayer` (trap 28).
    """

    pool = nn.AdaptiveMaxPool1d
