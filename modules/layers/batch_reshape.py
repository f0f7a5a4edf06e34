"""`BatchReshapeModule`: rows that a dimension was joined into, parted again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from modules.base import OneSourceModule, Shape
from modules.errors import ConfigError


class BatchReshapeModule(OneSourceModule):
    """`[N * k, ...]` -> `[N, k, ...]`, where N is the number of observations.

    Args:
        squeezes: whether every dimension of size 1 vanishes, a batch of one row too, as in the old stack (trap 29).
        announces: shape that components behind this one are built for: `output`, the true one, or `input`, which
            the old stack took for it.

    Raises:
        ConfigError: "announces must be ...".
    """

    fixed_in_keys = ("x",)

    def __init__(
        self,
        *,
        squeezes: bool = False,
        announces: str = "output",
        in_keys: Sequence[str] = ("input", "x"),
        out_keys: Sequence[str] = ("output",),
    ) -> None:
        if announces not in ("input", "output"):
            raise ConfigError(f"announces must be input or output, got {announces!r}")
        super().__init__(in_keys, out_keys)
        self.squeezes, self.announces = squeezes, announces

    def compute(self, rows: Tensor, x: Tensor) -> Tensor:
        """`rows` `[N * k, ...]`, `x` `[N, ...]`, of which only N matters -> `[N, k, ...]`."""
        parted = rows.reshape(x.shape[0], rows.shape[0] // x.shape[0], *rows.shape[1:])
        return parted.squeeze() if self.squeezes else parted

    @classmethod
    def output_shape(cls, in_shapes: tuple[Shape, ...], options: Mapping[str, Any]) -> Shape:
        """`(k, ...)`, with 0 for k, which is not known before a pass; the input's shape where `announces` says so."""
        return in_shapes[0] if options.get("announces") == "input" else (0, *in_shapes[0])
