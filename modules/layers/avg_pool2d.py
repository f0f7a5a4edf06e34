"""`AvgPool2dModule`: the mean of windows of an image."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor
from torch.nn import functional as F

from modules.base import AvgPoolModule


class AvgPool2dModule(AvgPoolModule):
    """`[N, C, H, W]` -> `[N, C, h, w]`, the mean of each window of cells.

    Args:
        kernel_size: cells of a window, one number or (height, width); the word `channels` for as many as the source
            has channels, which is what the old stack took (trap 28).
        stride: steps between windows; None for `kernel_size`.
        padding: added on both sides, at most half of the kernel.
        ceil_mode: whether a last window may stand over the end.
        count_include_pad: whether padding counts as zeros in the mean.
        divisor_override: what sums are divided by instead of the size of the window.
        announces: shape that components behind this one are built for: `output`, the true one, or `input`, which
            the old stack took for it.
        channels: first size of the source; only read for the word `channels`.

    Raises:
        ConfigError: "kernel_size is 'channels' ...", "announces must be ...", "cannot pool ..." with torch's reason.
    """

    ndim = 2
    divisor_override: int | None = None
    """Here too, for the trial in the constructor of the base class."""

    def __init__(
        self,
        kernel_size: int | Sequence[int] | str,
        *,
        stride: int | Sequence[int] | None = None,
        padding: int | Sequence[int] = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
        announces: str = "output",
        channels: int | None = None,
        in_keys: Sequence[str] = ("input",),
        out_keys: Sequence[str] = ("output",),
    ) -> None:
        super().__init__(
            kernel_size,
            stride=stride,
            padding=padding,
            ceil_mode=ceil_mode,
            count_include_pad=count_include_pad,
            announces=announces,
            channels=channels,
            in_keys=in_keys,
            out_keys=out_keys,
        )
        self.divisor_override = divisor_override
        self._check(f"with kernel_size {self.kernel_size!r}")

    def compute(self, x: Tensor) -> Tensor:
        """`x` `[N, C, H, W]` -> `[N, C, h, w]`."""
        window = (self.kernel_size, self.stride, self.padding, self.ceil_mode)
        return F.avg_pool2d(x, *window, self.count_include_pad, self.divisor_override)
