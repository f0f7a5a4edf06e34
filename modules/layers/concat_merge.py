"""`ConcatMergeModule`: concatenation of inputs, or of slices of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from modules.base import BuildContext, Shape, SlicedMergeModule, concatenated_shape, merge_options, narrowed


class ConcatMergeModule(SlicedMergeModule):
    """Concatenates along `dim`.

    Args:
        in_keys: the inputs, in order.
        slices: per input `(start, end)` along `dim`, or None for the whole; None for all whole.
        dim: dimension, counting the batch as 0.

    Raises:
        ConfigError: as many slices as inputs are needed; an empty or negative slice.
    """

    @property
    def concatenates(self) -> bool:
        """Always."""
        return True

    def compute(self, *inputs: Tensor) -> Tensor:
        """Inputs that agree in all dimensions but `dim` -> one tensor."""
        return torch.cat(narrowed(inputs, self.slices, self.dim), dim=self.dim)

    @classmethod
    def from_context(cls, context: BuildContext) -> dict[str, Any]:
        """Slices and dimension, which the config keeps beside each source.

        Raises:
            ConfigError: no sources, sources with different `dim`, or a slice without one.
        """
        return merge_options(context, dim_of_all=True)

    @classmethod
    def output_shape(cls, in_shapes: tuple[Shape, ...], options: Mapping[str, Any]) -> Shape:
        """The first input's shape, with the lengths along `dim` added up.

        Raises:
            ConfigError: inputs that differ elsewhere, or a slice beyond its input.
        """
        return concatenated_shape(in_shapes, options)
