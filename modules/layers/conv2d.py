"""`Conv2dModule`: a 2-D convolution."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Unpack

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from modules.base import (
    EXACT,
    FAST,
    NUMERICS,
    BuildContext,
    Shape,
    WeightModule,
    WeightOptions,
    one_of,
    only_source,
    positive,
)
from modules.errors import ConfigError

FEW_WINDOWS = 64
"""Places of the kernel, over a batch, up to which copying them side by side takes less than a convolution prepares."""


class Conv2dModule(WeightModule):
    """`[B, in_channels, H, W]` -> `[B, out_channels, h, w]` with `h = (H + 2 * padding - kernel_size) / stride + 1`.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output; as many as the input has if None.
        kernel_size: side of the square kernel.
        stride: step in both directions.
        padding: zeros added on each side.
        bias: whether to add a learned bias.
        drops_remainder: whether a kernel may leave out the last rows or columns of its input, where no whole step is
            left. It is read where an agent is built: a config without it is refused then.
        numerics: `fast` multiplies by the kernel as a matrix where it has few places in the input (a compiler, which
            takes any batch size, counts those of one image); `exact` convolves.
        **options: see `WeightModule`.

    Raises:
        ConfigError: a size that is not positive, an unknown nonlinearity or initialization, another `numerics`.
    """

    io_sizes = ("in_channels", "out_channels", "margin", "stride")

    def __init__(
        self,
        in_channels: int,
        out_channels: int | None = None,
        kernel_size: int = 1,
        stride: int = 1,
        padding: int = 0,
        *,
        bias: bool = True,
        drops_remainder: bool = False,
        numerics: str = EXACT,
        in_keys: Sequence[str] = ("input",),
        out_keys: Sequence[str] = ("output",),
        **options: Unpack[WeightOptions],
    ) -> None:
        out_channels = in_channels if out_channels is None else out_channels
        positive(in_channels=in_channels, out_channels=out_channels, kernel_size=kernel_size, stride=stride)
        one_of("numerics", numerics, NUMERICS)
        super().__init__(in_keys, out_keys, **options)
        self.in_channels, self.out_channels = in_channels, out_channels
        self.kernel_size, self.stride, self.padding, self.numerics = kernel_size, stride, padding, numerics
        layer = nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding, bias=bias)
        self._own(layer, in_channels, out_channels)

    @property
    def margin(self) -> int:
        """By how much the kernel is larger than the padding, which with `stride` decides the size of the output."""
        return self.kernel_size - 2 * self.padding

    def compute(self, x: Tensor) -> Tensor:
        """`x` `[B, in_channels, H, W]` -> `[B, out_channels, h, w]`."""
        if self.numerics == FAST and not self.padding:
            windows = x.unfold(2, self.kernel_size, self.stride).unfold(3, self.kernel_size, self.stride)
            rows, _, height, width = windows.shape[:4]
            if height * width == 1 or (not torch.compiler.is_compiling() and rows * height * width <= FEW_WINDOWS):
                return self._multiplied(windows)
        return self._activate(F.conv2d(x, self.weight, self.bias, self.stride, self.padding))

    def _multiplied(self, windows_BChwKK: Tensor) -> Tensor:
        """A convolution as one product of matrices, `[B, out_channels, h, w]`.

        Whichever is smaller is copied, windows or weight: where channels come last in memory, windows need no copy.
        """
        rows, _, height, width = windows_BChwKK.shape[:4]
        places = rows * height * width
        windows, weight = windows_BChwKK.permute(0, 2, 3, 1, 4, 5), self.weight
        if torch.compiler.is_compiling() or places > self.out_channels:
            windows, weight = windows.permute(0, 1, 2, 4, 5, 3), weight.permute(0, 2, 3, 1)
        weight = weight.flatten(1)
        y = self._activate(F.linear(windows.reshape(places, weight.shape[1]), weight, self.bias))
        return y.view(rows, height, width, self.out_channels).permute(0, 3, 1, 2)

    @classmethod
    def from_context(cls, context: BuildContext) -> dict[str, Any]:
        """The input's channels and the agent's clip range."""
        return {"in_channels": only_source(context, ndim=3)[0], "clip_range": context.clip_range}

    @classmethod
    def output_shape(cls, in_shapes: tuple[Shape, ...], options: Mapping[str, Any]) -> Shape:
        """`(out_channels, h, w)`.

        Raises:
            ConfigError: "the kernel does not tile ..." where a side is no whole number; pixels would be dropped.
        """
        kernel, stride, padding = (
            options.get(key, default) for key, default in (("kernel_size", 1), ("stride", 1), ("padding", 0))
        )
        sides = []
        for side in in_shapes[0][1:]:
            steps, rest = divmod(side + 2 * padding - kernel, stride)
            if steps < 0 or (rest and not options.get("drops_remainder")):
                raise ConfigError(
                    f"the kernel does not tile its input: (side {side} + 2 * padding {padding} - kernel_size {kernel}) "
                    f"is not a multiple of stride {stride}; adjust padding, kernel_size or stride"
                )
            sides.append(steps + 1)
        return (options.get("out_channels") or options["in_channels"], *sides)
