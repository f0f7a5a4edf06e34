"""`MaxPool1dModule`: the maximum of windows along a sequence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from modules.base import BuildContext, MettaModule, Shape, only_source
from modules.errors import ConfigError

CHANNELS = "channels"
LARGE = 2**20


class MaxPool1dModule(MettaModule):
    """`[N, C, L]` -> `[N, C, M]`, the maximum of each window of values in a row.

    Args:
        kernel_size: values of a window; the word `channels` for as many as the source
            has channels, which is what the old stack took (trap 28).
        stride: steps between windows; None for `kernel_size`.
        padding: added on both sides, at most half of the kernel.
        dilation: steps between the values of a window.
        ceil_mode: whether a last window may stand over the end.
        announces: shape that components behind this one are built for: `output`, the true one, or `input`, which
            the old stack took for it.
        channels: first size of the source; only read for the word `channels`.

    Raises:
        ConfigError: "kernel_size is 'channels' ...", "announces must be ...", "cannot pool ..." with torch's reason.
    """

    def __init__(
        self,
        kernel_size: int | str,
        *,
        stride: int | None = None,
        padding: int = 0,
        dilation: int = 1,
        ceil_mode: bool = False,
        announces: str = "output",
        channels: int | None = None,
        in_keys: Sequence[str] = ("input",),
        out_keys: Sequence[str] = ("output",),
    ) -> None:
        super().__init__(in_keys, out_keys)
        if kernel_size == CHANNELS and channels is None:
            raise ConfigError("kernel_size is 'channels', so channels must be given")
        if announces not in ("input", "output"):
            raise ConfigError(f"announces must be input or output, got {announces!r}")
        self.kernel_size: Any = channels if kernel_size == CHANNELS else kernel_size
        self.stride: Any = self.kernel_size if stride is None else stride
        self.padding, self.dilation, self.ceil_mode = padding, dilation, ceil_mode
        self.announces = announces
        try:
            self.compute(torch.empty(1, 1, LARGE, device="meta"))
        except (RuntimeError, TypeError) as error:
            raise ConfigError(f"cannot pool with kernel_size {self.kernel_size!r}: {error}") from error

    def compute(self, x: Tensor) -> Tensor:
        """`x` `[N, C, L]` -> `[N, C, M]`."""
        return F.max_pool1d(x, self.kernel_size, self.stride, self.padding, self.dilation, ceil_mode=self.ceil_mode)

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
