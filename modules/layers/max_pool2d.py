"""`MaxPool2dModule`: the maximum of windows of an image."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from modules.base import MaxPoolModule


class MaxPool2dModule(MaxPoolModule):
    """`[N, C, H, W]` -> `[N, C, h, w]`, the maximum of each window of cells.

    Args:
        kernel_size: cells of a window, one number or (height, width); the word `channels` for as many as the source
            has channels, which is what the old stack took (trap 28).
        stride: steps between windows; None for `kernel_size`.
        padding: added on both sides, at most half of the kernel.
        dilation: steps between the values of a window.
        ceil_mode: whether a last window may stand over the end.
        announces: shape that components behind this one are built for: `output`, the true one, or `input`, which
            the old stack took for it.
        channels: first size of the source; only read for the word `channels`.

    Raises:
        ConfigError: "kernel_size is 'channels' ...", "announces must be ...", "cannot pool ..." with torch's reason.
    """

    ndim = 2

    def compute(self, x: Tensor) -> Tensor:
        """`x` `[N, C, H, W]` -> `[N, C, h, w]`."""
        return F.max_pool2d(x, self.kernel_size, self.stride, self.padding, self.dilation, ceil_mode=self.ceil_mode)
