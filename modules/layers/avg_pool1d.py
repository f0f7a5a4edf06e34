"""`AvgPool1dModule`: the mean of windows along a sequence."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from modules.base import AvgPoolModule


class AvgPool1dModule(AvgPoolModule):
    """`[N, C, L]` -> `[N, C, M]`, the mean of each window of values in a row.

    Args:
        kernel_size: values of a window; the word `channels` for as many as the source
            has channels, which is what the old stack took (trap 28).
        stride: steps between windows; None for `kernel_size`.
        padding: added on both sides, at most half of the kernel.
        ceil_mode: whether a last window may stand over the end.
        count_include_pad: whether padding counts as zeros in the mean.
        announces: shape that components behind this one are built for: `output`, the true one, or `input`, which
            the old stack took for it.
        channels: first size of the source; only read for the word `channels`.

    Raises:
        ConfigError: "kernel_size is 'channels' ...", "announces must be ...", "cannot pool ..." with torch's reason.
    """

    ndim = 1

    def compute(self, x: Tensor) -> Tensor:
        """`x` `[N, C, L]` -> `[N, C, M]`."""
        return F.avg_pool1d(x, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad)
