"""`MergeModule`: several tensors to one, in the way that `merge_type` names."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import Any

import torch
from torch import Tensor

from modules.base import (
    BuildContext,
    Shape,
    SlicedMergeModule,
    common_shape,
    concatenated_shape,
    merge_options,
    narrowed,
)
from modules.errors import ConfigError

MERGES: dict[str, Callable[[Sequence[Tensor], int], Tensor]] = {
    "concat": lambda inputs, dim: torch.cat(list(inputs), dim=dim),
    "add": lambda inputs, _: reduce(torch.add, inputs),
    "subtract": lambda inputs, _: reduce(torch.subtract, inputs),
    "mean": lambda inputs, _: reduce(torch.add, inputs) / len(inputs),
}


class MergeModule(SlicedMergeModule):
    """Inputs, or slices of them, in; one tensor out.

    Args:
        in_keys: the inputs, in order.
        merge_type: `concat` along `dim`, or elementwise `add`, `subtract` (the others from the first) or `mean`.
        slices: per input `(start, end)` along `dim`, or None for the whole; None for all whole.
        dim: dimension, counting the batch as 0.

    Raises:
        ConfigError: "merge_type must be ...", no inputs, another number of slices, an empty or negative slice.
    """

    def __init__(
        self,
        in_keys: Sequence[str],
        merge_type: str = "concat",
        *,
        slices: Sequence[Sequence[int] | None] | None = None,
        dim: int = 1,
        out_keys: Sequence[str] = ("merged",),
    ) -> None:
        if merge_type not in MERGES:
            raise ConfigError(f"merge_type must be {', '.join(MERGES)}, got {merge_type!r}")
        if not in_keys:
            raise ConfigError("in_keys must name at least one input to merge")
        super().__init__(in_keys, slices=slices, dim=dim, out_keys=out_keys)
        self.merge_type = merge_type

    @property
    def concatenates(self) -> bool:
        """As `merge_type` says."""
        return self.merge_type == "concat"

    def compute(self, *inputs: Tensor) -> Tensor:
        """Inputs that agree, in all dimensions but `dim` if they are concatenated -> one tensor."""
        return MERGES[self.merge_type](narrowed(inputs, self.slices, self.dim), self.dim)

    @classmethod
    def from_context(cls, context: BuildContext) -> dict[str, Any]:
        """Slices and dimension, which the config keeps beside each source."""
        return merge_options(context, dim_of_all=True)

    @classmethod
    def output_shape(cls, in_shapes: tuple[Shape, ...], options: Mapping[str, Any]) -> Shape:
        """The common shape after slicing; with the lengths along `dim` added up if they are concatenated."""
        if options.get("merge_type", "concat") != "concat":
            return common_shape("merge", in_shapes, options)
        return concatenated_shape(in_shapes, options)
