"""`ObsShaperModule`: box observations to channels first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from modules.base import BuildContext, MettaModule, Shape
from modules.errors import ConfigError


class ObsShaperModule(MettaModule):
    """`[N, H, W, F]` of any dtype -> `[N, F, H, W]` float32.

    The result is a permuted view, so it is channels-last in memory, as in the old stack: convolutions round otherwise.

    Args:
        obs_shape: `(H, W, F)`.

    Raises:
        ConfigError: "obs_shape must be (H, W, F) ...".
    """

    fixed_in_keys = ("x",)
    io_sizes = ("obs_shape",)

    def __init__(
        self,
        obs_shape: Sequence[int],
        *,
        in_keys: Sequence[str] = ("x",),
        out_keys: Sequence[str] = ("output",),
    ) -> None:
        if len(obs_shape) != 3:
            raise ConfigError(f"obs_shape must be (H, W, F), got {tuple(obs_shape)}")
        super().__init__(in_keys, out_keys)
        self.obs_shape = tuple(obs_shape)

    def compute(self, x: Tensor) -> Tensor:
        """`x` `[N, H, W, F]` -> `[N, F, H, W]` float32."""
        return x.float().permute(0, 3, 1, 2)

    @classmethod
    def from_context(cls, context: BuildContext) -> dict[str, Any]:
        """The environment's observation shape."""
        if context.in_shapes:
            raise ConfigError(f"reads the observation and takes no sources, got {len(context.in_shapes)}")
        return {"obs_shape": context.obs_shape}

    @classmethod
    def output_shape(cls, in_shapes: tuple[Shape, ...], options: Mapping[str, Any]) -> Shape:
        """`(F, H, W)`."""
        height, width, features = options["obs_shape"]
        return (features, height, width)
