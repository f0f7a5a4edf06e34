"""`DropoutModule`: elementwise dropout, in training."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from modules.base import DroppingModule


class DropoutModule(DroppingModule):
    """Any shape -> the same shape; in training zeros with probability `p`, and the rest times `1 / (1 - p)`.

    Args:
        p: probability of a zero.
        inplace: whether to write into the input, so that whoever reads it later sees zeros too.

    Raises:
        ConfigError: a `p` outside [0, 1].
    """

    def compute(self, x: Tensor) -> Tensor:
        """Any shape -> the same shape."""
        return F.dropout(x, self.p, self.training, self.inplace)
