"""`ReshapeModule`: two dimensions made one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from modules.base import OneSourceModule, Shape, positive
from modules.errors import ConfigError


class ReshapeModule(OneSourceModule):
    """Takes `popped_dim` out of the shape and gives its size to `squeezed_dim`, without moving a number.

    Args:
        popped_dim: the dimension that goes, counting the batch as 0, which stays.
        squeezed_dim: the one that takes its size; 0 makes rows of it.
        written_to: dimension that has the product of both sizes: `squeezed_dim`, or `index_after_popping`, the index
            `squeezed_dim` where `popped_dim` is gone already. The latter is what the old stack did (trap 29): one
            dimension too far if `popped_dim` stood in front. The shape that is announced is the right one all the same.

    Raises:
        ConfigError: "popped_dim must be ...", "squeezed_dim must be ...", "written_to must be ...".
    """

    io_sizes = ("popped_dim", "squeezed_dim")

    def __init__(
        self,
        popped_dim: int,
        squeezed_dim: int,
        *,
        written_to: str = "squeezed_dim",
        in_keys: Sequence[str] = ("input",),
        out_keys: Sequence[str] = ("output",),
    ) -> None:
        positive(popped_dim=popped_dim)
        if squeezed_dim != 0:
            positive(squeezed_dim=squeezed_dim)
        if squeezed_dim == popped_dim:
            raise ConfigError(f"squeezed_dim must be another dimension than popped_dim, got {squeezed_dim} for both")
        if written_to not in ("squeezed_dim", "index_after_popping"):
            raise ConfigError(f"written_to must be squeezed_dim or index_after_popping, got {written_to!r}")
        super().__init__(in_keys, out_keys)
        self.popped_dim, self.squeezed_dim, self.written_to = popped_dim, squeezed_dim, written_to

    def compute(self, x: Tensor) -> Tensor:
        """`x` `[N, ...]` -> one dimension less."""
        shape = list(x.shape)
        size = shape[self.squeezed_dim] * shape.pop(self.popped_dim)
        is_shifted = self.written_to == "squeezed_dim" and self.popped_dim < self.squeezed_dim
        shape[self.squeezed_dim - is_shifted] = size
        return x.reshape(shape)

    @classmethod
    def output_shape(cls, in_shapes: tuple[Shape, ...], options: Mapping[str, Any]) -> Shape:
        """The input's shape with one dimension less.

        Raises:
            ConfigError: "... is beyond ...".
        """
        shape, popped, squeezed = list(in_shapes[0]), options["popped_dim"], options["squeezed_dim"]
        if max(popped, squeezed) > len(shape):
            raise ConfigError(f"dim {max(popped, squeezed)} is beyond the source's shape {in_shapes[0]}")
        if squeezed > 0:
            shape[squeezed - 1] *= shape[popped - 1]
        return (*shape[: popped - 1], *shape[popped:])
