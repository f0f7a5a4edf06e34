"""`Conv2d`: a 2-D convolution that keeps track of its output size."""

from __future__ import annotations

from torch import nn

from legacy.base import ParamLayer
from legacy.early import EarlyParamLayer, EarlyParamLayerE3b, PublicNames, RegistersWeightNet
from legacy.param_versions import ParamLayer0626, ParamLayerE5c


class Conv2d(ParamLayer):
    """`[B, C, H, W]` -> `[B, out_channels, h, w]` with `h = (H + 2 * padding - kernel_size) / stride + 1`.

    Quirks kept: a missing `padding` is written into `nn_params` as 0 (trap 27); dilation is not part of the formula.

    Raises:
        ValueError: "CNN <name> output dimensions must be integers ..." in `setup`.
    """

    def _make_net(self) -> nn.Module:
        assert len(self._in_tensor_shapes[0]) == 3, "Conv2d input tensor shape must be 3d (ignoring batch dimension)"
        params = self._nn_params
        self._input_height, self._input_width = self._in_tensor_shapes[0][1], self._in_tensor_shapes[0][2]
        if params.get("padding", None) is None:
            params["padding"] = 0
        height = (self._input_height + 2 * params.padding - params.kernel_size) / params.stride + 1
        width = (self._input_width + 2 * params.padding - params.kernel_size) / params.stride + 1
        if not (height.is_integer() and width.is_integer()):
            raise ValueError(f"CNN {self._name} output dimensions must be integers. Adjust padding or kernel size.")
        self._output_height, self._output_width = int(height), int(width)
        self._out_tensor_shape = [params.out_channels, self._output_height, self._output_width]
        return nn.Conv2d(self._in_tensor_shapes[0][0], **params)


class Conv2dE5c(ParamLayerE5c, Conv2d):
    """From 2025-06-05."""


class Conv2d0626(ParamLayer0626, Conv2d):
    """From 2025-06-26."""


class Conv2dE3b(EarlyParamLayerE3b):
    """From 2025-04-22: `[B, C, H, W]` -> `[B, output_size, h, w]`; nobody asked whether the kernel tiles its input."""

    def _make_net(self) -> nn.Module:
        return nn.Conv2d(self._input_size, self._output_size, **self._nn_params)


class Conv2dE2b(EarlyParamLayer):
    """E2b and E2c."""

    _make_net = Conv2dE3b._make_net


class Conv2dE2a(RegistersWeightNet, Conv2dE2b):
    """E2a."""


class Conv2dE1(PublicNames, Conv2dE2a):
    """E1."""
