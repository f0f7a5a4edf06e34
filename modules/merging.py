"""What the layers that merge several inputs share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from modules.module import MettaModule
from modules.shapes import BuildContext, Shape, checked_slices, common_shape, merge_options


class SlicedMergeModule(MettaModule):
    """Inputs, or slices of them, in; one tensor out.

    Args:
        in_keys: the inputs, in order.
        slices: per input `(start, end)` along `dim`, or None for the whole; None for all whole.
        dim: dimension of the slices, counting the batch as 0.

    Raises:
        ConfigError: as many slices as inputs are needed; an empty or negative slice.
    """

    source_keys = ("slice", "dim")
    io_sizes = ("slices", "dim", "concatenates")

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

    @property
    def concatenates(self) -> bool:
        """Whether lengths along `dim` add up."""
        return False


class ElementwiseMergeModule(SlicedMergeModule):
    """A merge of inputs that have one shape after slicing, into that shape; nothing is broadcast."""

    verb: ClassVar[str]
    """What is done to inputs, for errors: cannot `verb` them."""

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
        return common_shape(cls.verb, in_shapes, options)
