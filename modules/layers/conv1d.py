"""`Conv1dModule`: a 1-D convolution."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Unpack

from torch import Tensor, nn
from torch.nn import functional as F

from modules.base import BuildContext, Shape, WeightModule, WeightOptions, only_source, positive
from modules.errors import ConfigError


class Conv1dModule(WeightModule):
    """`[B, in_channels, L]` -> `[B, out_channels, l]` with `l = (L + 2 * padding - kernel_size) // stride + 1`.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output; as many as the input has if None.
        kernel_size: length of the kernel.
        stride: step.
        padding: zeros added on each side.
        bias: whether to add a learned bias.
        **options: see `WeightModule`.

    Raises:
        ConfigError: a size that is not positive, an unknown nonlinearity or initialization.
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
        in_keys: Sequence[str] = ("input",),
        out_keys: Sequence[str] = ("output",),
        **options: Unpack[WeightOptions],
    ) -> None:
        out_channels = in_channels if out_channels is None else out_channels
        positive(in_channels=in_channels, out_channels=out_channels, kernel_size=kernel_size, stride=stride)
        super().__init__(in_keys, out_keys, **options)
        self.in_channels, self.out_channels = in_channels, out_channels
        self.kernel_size, self.stride, self.padding = kernel_size, stride, padding
        layer = nn.Conv1d(in_channels, out_channels, kernel_size, stride, padding, bias=bias)
        self._own(layer, in_channels, out_channels)

    @property
    def margin(self) -> int:
        """By how much the kernel is larger than the padding, which with `stride` decides the size of the output."""
        return self.kernel_size - 2 * self.padding

    def compute(self, x: Tensor) -> Tensor:
        """`x` `[B, in_channels, L]` -> `[B, out_channels, l]`."""
        return self._activate(F.conv1d(x, self.weight, self.bias, self.stride, self.padding))

    @classmethod
    def from_context(cls, context: BuildContext) -> dict[str, Any]:
        """The input's channels and the agent's clip range."""
        return {"in_channels": only_source(context, ndim=2)[0], "clip_range": context.clip_range}

    @classmethod
    def output_shape(cls, in_shapes: tuple[Shape, ...], options: Mapping[str, Any]) -> Shape:
        """`(out_channels, l)`.

        Raises:
            ConfigError: "the kernel is longer than its input ...".
        """
        kernel, stride, padding = (
            options.get(key, default) for key, default in (("kernel_size", 1), ("stride", 1), ("padding", 0))
        )
        length = in_shapes[0][1] + 2 * padding
        if length < kernel:
            raise ConfigError(
                f"the kernel is longer than its input: kernel_size {kernel}, length {length} with padding"
            )
        return (options.get("out_channels") or options["in_channels"], (length - kernel) // stride + 1)
