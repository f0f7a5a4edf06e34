"""`FlattenModule`: all dimensions but the batch into one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from modules.base import OneSourceModule, Shape


class FlattenModule(OneSourceModule):
    """`[B, ...]` -> `[B, product]`."""

    def __init__(self, *, in_keys: Sequence[str] = ("input",), out_keys: Sequence[str] = ("output",)) -> None:
        super().__init__(in_keys, out_keys)

    def compute(self, x: Tensor) -> Tensor:
        """`x` `[B, ...]` -> `[B, product]`."""
        return x.flatten(1)

    @classmethod
    def output_shape(cls, in_shapes: tuple[Shape, ...], options: Mapping[str, Any]) -> Shape:
        """`(product,)`."""
        return (math.prod(in_shapes[0]),)
