"""`SubtractMergeModule`: the difference of inputs, or of slices of them."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from modules.base import ElementwiseMergeModule, narrowed
from modules.errors import ConfigError


class SubtractMergeModule(ElementwiseMergeModule):
    """The first input minus the second; nothing is broadcast.

    Args:
        in_keys: the two inputs, in order.
        slices: per input `(start, end)` along `dim`, or None for the whole; None for all whole.
        dim: dimension of the slices, counting the batch as 0.

    Raises:
        ConfigError: other than two inputs; as many slices as inputs are needed; an empty or negative slice.
    """

    verb = "subtract"

    def __init__(
        self,
        in_keys: Sequence[str],
        *,
        slices: Sequence[Sequence[int] | None] | None = None,
        dim: int = 1,
        out_keys: Sequence[str] = ("merged",),
    ) -> None:
        super().__init__(in_keys, slices=slices, dim=dim, out_keys=out_keys)
        if len(self.in_keys) != 2:
            raise ConfigError(f"needs exactly two inputs, got {len(self.in_keys)}")

    def compute(self, *inputs: Tensor) -> Tensor:
        """Inputs that have one shape after slicing -> that shape."""
        first, second = narrowed(inputs, self.slices, self.dim)
        return first - second
