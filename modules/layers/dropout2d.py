"""`Dropout2dModule`: dropout of whole channels, in training."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from modules.base import DroppingModule


class Dropout2dModule(DroppingModule):
    """Any shape -> the same shape; in training each channel is zero with probability `p`.

    Args:
        p: probability of a zero channel.
        inplace: whether to write into the input, so that whoever reads it later sees zeros too.

    Raises:
        ConfigError: a `p` outside [0, 1].
    """

    def compute(self, x: Tensor) -> Tensor:
        """Any shape -> the same shape."""
        return F.dropout2d(x, self.p, self.training, self.inplace)
