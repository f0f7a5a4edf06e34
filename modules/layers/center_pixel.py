"""`CenterPixelModule`: the features of the observation's middle cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from modules.base import BuildContext, MettaModule, Shape, only_source
from modules.errors import ConfigError


class CenterPixelModule(MettaModule):
    """`[N, C, H, W]` -> `[N, C]` at `[H // 2, W // 2]`, a view.

    Of inputs with more dimensions, the first four count and the rest stays; as in the old code, the announced shape
    is then that of the input without its last two.
    """

    def __init__(self, *, in_keys: Sequence[str] = ("input",), out_keys: Sequence[str] = ("output",)) -> None:
        super().__init__(in_keys, out_keys)

    def compute(self, x: Tensor) -> Tensor:
        """`x` `[N, C, H, W]` -> `[N, C]`."""
        return x[:, :, x.shape[2] // 2, x.shape[3] // 2]

    @classmethod
    def from_context(cls, context: BuildContext) -> dict[str, Any]:
        """Nothing but the check of the source.

        Raises:
            ConfigError: no source or several, fewer than three dimensions.
        """
        shape = only_source(context)
        if len(shape) < 3:
            raise ConfigError(f"needs a source with 3 dimensions or more besides the batch, got shape {shape}")
        return {}

    @classmethod
    def output_shape(cls, in_shapes: tuple[Shape, ...], options: Mapping[str, Any]) -> Shape:
        """`(C,)`, where the input is `(C, H, W)`."""
        return in_shapes[0][:-2]
