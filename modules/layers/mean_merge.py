"""`MeanMergeModule`: the mean of inputs, or of slices of them."""

from __future__ import annotations

from functools import reduce
from operator import add

from torch import Tensor

from modules.base import ElementwiseMergeModule, narrowed


class MeanMergeModule(ElementwiseMergeModule):
    """Adds from left to right and divides by the number of inputs; nothing is broadcast.

    Args:
        in_keys: the inputs, in order.
        slices: per input `(start, end)` along `dim`, or None for the whole; None for all whole.
        dim: dimension of the slices, counting the batch as 0.

    Raises:
        ConfigError: as many slices as inputs are needed; an empty or negative slice.
    """

    verb = "average"

    def compute(self, *inputs: Tensor) -> Tensor:
        """Inputs that have one shape after slicing -> that shape."""
        return reduce(add, narrowed(inputs, self.slices, self.dim)) / len(inputs)
