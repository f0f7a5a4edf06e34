"""`ConcatMergeModule`: concatenation of inputs, or of slices of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from modules.base import BuildContext, MettaModule, Shape
from modules.errors import ConfigError

Slice = tuple[int, int]


class ConcatMergeModule(MettaModule):
    """Concatenates along `dim`.

    Args:
        in_keys: the inputs, in order.
        slices: per input `(start, end)` along `dim`, or None for the whole; None for all whole.
        dim: dimension, counting the batch as 0.

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
        self.slices = tuple(None if cut is None else (cut[0], cut[1]) for cut in slices or [None] * len(self.in_keys))
        if len(self.slices) != len(self.in_keys):
            raise ConfigError(f"got {len(self.slices)} slices for {len(self.in_keys)} inputs")
        for key, cut in zip(self.in_keys, self.slices, strict=True):
            if cut is not None and not 0 <= cut[0] < cut[1]:
                raise ConfigError(f"slice {list(cut)} of input {key!r} must be [start, end] with 0 <= start < end")
        self.dim = dim

    def compute(self, *inputs: Tensor) -> Tensor:
        """Inputs that agree in all dimensions but `dim` -> one tensor."""
        parts = [
            x if cut is None else x.narrow(self.dim, cut[0], cut[1] - cut[0])
            for x, cut in zip(inputs, self.slices, strict=True)
        ]
        return torch.cat(parts, dim=self.dim)

    @classmethod
    def from_context(cls, context: BuildContext) -> dict[str, Any]:
        """Slices and dimension, which the config keeps beside each source.

        Raises:
            ConfigError: no sources, sources with different `dim`, or a slice without one.
        """
        if not context.sources:
            raise ConfigError("needs at least one source")
        dims = [source.get("dim") for source in context.sources]
        cuts = [source.get("slice") for source in context.sources]
        for source, dim, cut in zip(context.sources, dims, cuts, strict=True):
            if cut is not None and (dim is None or len(cut) != 2):
                raise ConfigError(f"source {source['name']!r}: a slice is [start, end] and needs its dim")
        concrete = {1 if dim is None else dim for dim in dims}
        if len(concrete) != 1:
            raise ConfigError(f"all sources must have the same dim, got {dims}")
        return {"slices": cuts if any(cuts) else None, "dim": concrete.pop()}

    @classmethod
    def output_shape(cls, in_shapes: tuple[Shape, ...], options: Mapping[str, Any]) -> Shape:
        """The first input's shape, with the lengths along `dim` added up.

        Raises:
            ConfigError: inputs that differ elsewhere, or a slice beyond its input.
        """
        dim = options["dim"]
        if dim == 0:
            raise ConfigError("cannot concatenate along dim 0, the batch; the first dimension of a source is dim 1")
        axis = dim - 1 if dim > 0 else dim
        slices = options["slices"] or [None] * len(in_shapes)
        total = 0
        for shape, cut in zip(in_shapes, slices, strict=True):
            if len(shape) != len(in_shapes[0]) or not -len(shape) <= axis < len(shape):
                raise ConfigError(f"cannot concatenate shapes {list(in_shapes)} along dim {dim}")
            rest, first = list(shape), list(in_shapes[0])
            rest[axis] = first[axis] = 0
            if rest != first or (cut is not None and cut[1] > shape[axis]):
                raise ConfigError(f"cannot concatenate {list(in_shapes)} with slices {slices} along dim {dim}")
            total += shape[axis] if cut is None else cut[1] - cut[0]
        result = list(in_shapes[0])
        result[axis] = total
        return tuple(result)
