"""`AdaptiveMaxPool2dModule`: the maximum of as many windows of an image as asked for."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from modules.base import AdaptivePoolModule


class AdaptiveMaxPool2dModule(AdaptivePoolModule):
    """`[N, C, H, W]` -> `[N, C, *output_size]`, the maximum of each of these windows, which cover all.

    Args:
        output_size: windows along height and width, one number or two; None in a pair keeps the side;
            the word `channels` for as many as the source has channels, which is what the old stack took (trap 28).
        announces: shape that components behind this one are built for: `output`, the true one, or `input`, which
            the old stack took for it.
        channels: first size of the source; only read for the word `channels`.

    Raises:
        ConfigError: "output_size is 'channels' ...", "announces must be ...", "cannot pool ..." with torch's reason.
    """

    ndim = 2

    def compute(self, x: Tensor) -> Tensor:
        """`x` `[N, C, H, W]` -> `[N, C, *output_size]`."""
        result: Tensor = F.adaptive_max_pool2d(x, self.output_size)
        return result
