"""`AdaptiveMaxPool2dModule`: the maximum of as many windows of an image as asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from modules.base import BuildContext, MettaModule, Shape, only_source
from modules.errors import ConfigError

CHANNELS = "channels"


class AdaptiveMaxPool2dModule(MettaModule):
    """`[N, C, H, W]` -> `[N, C, *output_size]`, the maximum of each of these windows, which cover all.

    Args:
        output_size: windows along height and width, one number or two; None in a pair keeps the side;
            the word `channels` for as many as the source has channels, which is what the old stack took (trap 28).
        announces: shape that components behind this one are built for: `output`, the true one, or `input`, which
            the old stack took for it.
        channels: first size of the source; only read for the word `channels`.

    Raises:
        ConfigError: "output_size is 'channels' ...", "announces must be ...", "cannot pool ..." with torch's reason.
    """

    def __init__(
        self,
        output_size: int | Sequence[int | None] | str,
        *,
        announces: str = "output",
        channels: int | None = None,
        in_keys: Sequence[str] = ("input",),
        out_keys: Sequence[str] = ("output",),
    ) -> None:
        super().__init__(in_keys, out_keys)
        if output_size == CHANNELS and channels is None:
            raise ConfigError("output_size is 'channels', so channels must be given")
        if announces not in ("input", "output"):
            raise ConfigError(f"announces must be input or output, got {announces!r}")
        self.output_size: Any = channels if output_size == CHANNELS else output_size
        self.announces = announces
        try:
            self.compute(torch.empty(1, 1, 1, 1, device="meta"))
        except (RuntimeError, TypeError, ValueError) as error:
            raise ConfigError(f"cannot pool to output_size {self.output_size!r}: {error}") from error

    def compute(self, x: Tensor) -> Tensor:
        """`x` `[N, C, H, W]` -> `[N, C, *output_size]`."""
        result: Tensor = F.adaptive_max_pool2d(x, self.output_size)
        return result

    @classmethod
    def from_context(cls, context: BuildContext) -> dict[str, Any]:
        """The number of channels."""
        return {"channels": only_source(context)[0]}

    @classmethod
    def output_shape(cls, in_shapes: tuple[Shape, ...], options: Mapping[str, Any]) -> Shape:
        """What torch gives for the shape of the source, or that shape where `announces` says so."""
        if options.get("announces") == "input":
            return in_shapes[0]
        return tuple(cls(**options).compute(torch.empty(1, *in_shapes[0], device="meta")).shape[1:])
