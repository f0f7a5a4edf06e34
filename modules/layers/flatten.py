"""`FlattenModule`: all dimensions but the batch into one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from modules.base import OneSourceModule, Shape
from modules.errors import ConfigError


class FlattenModule(OneSourceModule):
    """`[B, ...]` -> `[B, product]`.

    Args:
        out_features: the product, for whoever wants it checked; early configs of the old stack say it.

    Raises:
        ConfigError: "out_features is ..., and the source has ...".
    """

    def __init__(
        self,
        *,
        out_features: int | None = None,
        in_keys: Sequence[str] = ("input",),
        out_keys: Sequence[str] = ("output",),
    ) -> None:
        super().__init__(in_keys, out_keys)
        self.out_features = out_features

    def compute(self, x: Tensor) -> Tensor:
        """`x` `[B, ...]` -> `[B, product]`."""
        return x.flatten(1)

    @classmethod
    def output_shape(cls, in_shapes: tuple[Shape, ...], options: Mapping[str, Any]) -> Shape:
        """`(product,)`."""
        product = math.prod(in_shapes[0])
        if options.get("out_features") not in (None, product):
            raise ConfigError(f"out_features is {options['out_features']}, and the source has {product}")
        return (product,)
