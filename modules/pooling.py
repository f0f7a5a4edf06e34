"""What the pooling layers share: torch's options, the word `channels`, and the shape that they announce."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch

from modules.errors import ConfigError
from modules.module import MettaModule
from modules.shapes import BuildContext, Shape, only_source

CHANNELS = "channels"
LARGE = 2**20
WINDOW = ("kernel_size", "stride", "padding", "dilation", "ceil_mode")
"""What decides how many windows there are."""


class PoolModule(MettaModule):
    """A pool over the last `ndim` dimensions of its source `[N, C, ...]`; options are checked by a trial of `compute`.

    Raises:
        ConfigError: "... is 'channels' ...", "announces must be ...", "cannot pool ..." with torch's reason.
    """

    ndim: ClassVar[int]
    """Dimensions that are pooled."""

    def _check(self, what: str, side: int = LARGE) -> None:
        try:
            self.compute(torch.empty(1, 1, *[side] * self.ndim, device="meta"))
        except (RuntimeError, TypeError, ValueError) as error:
            raise ConfigError(f"cannot pool {what}: {error}") from error

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


def _checked_size(name: str, size: Any, channels: int | None, announces: str) -> Any:
    if size == CHANNELS and channels is None:
        raise ConfigError(f"{name} is 'channels', so channels must be given")
    if announces not in ("input", "output"):
        raise ConfigError(f"announces must be input or output, got {announces!r}")
    return channels if size == CHANNELS else size


class AdaptivePoolModule(PoolModule):
    """A pool with as many windows as asked for; layers say what it computes and document its arguments."""

    io_sizes = ("output_size",)

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
        self.output_size: Any = _checked_size("output_size", output_size, channels, announces)
        self.announces = announces
        self._check(f"to output_size {self.output_size!r}", side=1)


class MaxPoolModule(PoolModule):
    """A pool of maxima over windows; layers say what it computes and document its arguments."""

    io_sizes = WINDOW

    def __init__(
        self,
        kernel_size: int | Sequence[int] | str,
        *,
        stride: int | Sequence[int] | None = None,
        padding: int | Sequence[int] = 0,
        dilation: int | Sequence[int] = 1,
        ceil_mode: bool = False,
        announces: str = "output",
        channels: int | None = None,
        in_keys: Sequence[str] = ("input",),
        out_keys: Sequence[str] = ("output",),
    ) -> None:
        super().__init__(in_keys, out_keys)
        self.kernel_size: Any = _checked_size("kernel_size", kernel_size, channels, announces)
        self.stride: Any = stride
        self.padding: Any = padding
        self.dilation: Any = dilation
        self.ceil_mode, self.announces = ceil_mode, announces
        self._check(f"with kernel_size {self.kernel_size!r}")


class AvgPoolModule(PoolModule):
    """A pool of means over windows; layers say what it computes and document its arguments."""

    io_sizes = WINDOW
    dilation = 1

    def __init__(
        self,
        kernel_size: int | Sequence[int] | str,
        *,
        stride: int | Sequence[int] | None = None,
        padding: int | Sequence[int] = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        announces: str = "output",
        channels: int | None = None,
        in_keys: Sequence[str] = ("input",),
        out_keys: Sequence[str] = ("output",),
    ) -> None:
        super().__init__(in_keys, out_keys)
        self.kernel_size: Any = _checked_size("kernel_size", kernel_size, channels, announces)
        self.stride: Any = stride
        self.padding: Any = padding
        self.ceil_mode, self.count_include_pad, self.announces = ceil_mode, count_include_pad, announces
        self._check(f"with kernel_size {self.kernel_size!r}")
