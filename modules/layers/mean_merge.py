"""`MeanMergeModule`: the mean of inputs, or of slices of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import add
from typing import Any

from torch import Tensor

from modules.base import BuildContext, MettaModule, Shape, checked_slices, common_shape, merge_options, narrowed


class MeanMergeModule(MettaModule):
    """Adds from left to right and divides by the number of inputs; nothing is broadcast.

    Args:
        in_keys: the inputs, in order.
        slices: per input `(start, end)` along `dim`, or None for the whole; None for all whole.
        dim: dimension of the slices, counting the batch as 0.

    Raises:
        ConfigError: as many slices as inputs are needed; an empty or negative slice.
    """

    def __init__(
        self,
        in_keys: Sequence[str],
        *,
        slices: Sequence[Sequence[int] | None] | None = None,
        dim: int = 1,
        out_keys: Sequence[str] = ("merged",),
    ) -> None:
        super().__init__(in_keys, out_keys)
        self.slices, self.dim = checked_slices(self.in_keys, slices), dim

    def compute(self, *inputs: Tensor) -> Tensor:
        """Inputs that have one shape after slicing -> that shape."""
        return reduce(add, narrowed(inputs, self.slices, self.dim)) / len(inputs)

    @classmethod
    def from_context(cls, context: BuildContext) -> dict[str, Any]:
        """Slices and their dimension, which the config keeps beside each source.

        Raises:
            ConfigError: no sources, slices along different dimensions or without one.
        """
        return merge_options(context, dim_of_all=False)

    @classmethod
    def output_shape(cls, in_shapes: tuple[Shape, ...], options: Mapping[str, Any]) -> Shape:
        """The common shape after slicing; the old stack compared and announced the shapes before it.

        Raises:
            ConfigError: inputs that differ, or a slice beyond its input.
        """
        return common_shape("average", in_shapes, options)
