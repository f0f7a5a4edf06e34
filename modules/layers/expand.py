"""`ExpandModule`: a tensor repeated along a new dimension."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from modules.base import OneSourceModule, Shape, positive
from modules.errors import ConfigError


class ExpandModule(OneSourceModule):
    """`[N, ...]` -> the same with `copies` along a new dimension `dim`, in memory of its own.

    Args:
        dim: place of the new dimension, counting the batch as 0.
        copies: its size.

    Raises:
        ConfigError: a number that is not positive.
    """

    io_sizes = ("dim", "copies")

    def __init__(
        self,
        dim: int,
        copies: int,
        *,
        in_keys: Sequence[str] = ("input",),
        out_keys: Sequence[str] = ("output",),
    ) -> None:
        positive(dim=dim, copies=copies)
        super().__init__(in_keys, out_keys)
        self.dim, self.copies = dim, copies

    def compute(self, x: Tensor) -> Tensor:
        """`x` `[N, ...]` -> one dimension more."""
        x = x.unsqueeze(self.dim)
        sizes = [-1] * x.dim()
        sizes[self.dim] = self.copies
        return x.expand(sizes).contiguous()

    @classmethod
    def output_shape(cls, in_shapes: tuple[Shape, ...], options: Mapping[str, Any]) -> Shape:
        """The input's shape with the new dimension.

        Raises:
            ConfigError: "dim ... is beyond ...".
        """
        shape, axis = in_shapes[0], options["dim"] - 1
        if axis > len(shape):
            raise ConfigError(f"dim {options['dim']} is beyond the source's shape {shape}; at most {len(shape) + 1}")
        return (*shape[:axis], options["copies"], *shape[axis:])
