"""`Dropout2dModule`: dropout of whole channels, in training."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor
from torch.nn import functional as F

from modules.base import OneSourceModule, probability


class Dropout2dModule(OneSourceModule):
    """Any shape -> the same shape; in training each channel is zero with probability `p`.

    The random numbers come from torch's global generator, as many and in the order of the old stack.

    Args:
        p: probability of a zero channel.
        inplace: whether to write into the input, so that whoever reads it later sees zeros too.

    Raises:
        ConfigError: a `p` outside [0, 1].
    """

    def __init__(
        self,
        *,
        p: float = 0.5,
        inplace: bool = False,
        in_keys: Sequence[str] = ("input",),
        out_keys: Sequence[str] = ("output",),
    ) -> None:
        probability(p=p)
        super().__init__(in_keys, out_keys)
        self.p, self.inplace = p, inplace

    @property
    def draws_random_numbers(self) -> bool:
        """In training, unless nothing is dropped."""
        return self.training and self.p > 0

    def compute(self, x: Tensor) -> Tensor:
        """Any shape -> the same shape."""
        return F.dropout2d(x, self.p, self.training, self.inplace)
