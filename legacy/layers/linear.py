"""`Linear`: a fully connected layer."""

from __future__ import annotations

from torch import nn

from legacy.base import ParamLayer
from legacy.early import EarlyParamLayer, EarlyParamLayerE3b, PublicNames, RegistersWeightNet
from legacy.param_versions import ParamLayer0626, ParamLayerE5c


class Linear(ParamLayer):
    """`[B, in]` -> `[B, out_features]`; `nn_params` goes to `nn.Linear` whole."""

    def _make_net(self) -> nn.Module:
        assert len(self._in_tensor_shapes[0]) == 1, (
            "_input_tensor_shape for Linear should be 1d (ignoring batch dimension)"
        )
        self._out_tensor_shape = [self._nn_params.out_features]
        return nn.Linear(self._in_tensor_shapes[0][0], **self._nn_params)


class LinearE5c(ParamLayerE5c, Linear):
    """From 2025-06-05."""


class Linear0626(ParamLayer0626, Linear):
    """From 2025-06-26."""


class LinearE3b(EarlyParamLayerE3b):
    """From 2025-04-22: `[B, in]` -> `[B, output_size]`."""

    def _make_net(self) -> nn.Module:
        return nn.Linear(self._input_size, self._output_size, **self._nn_params)


class LinearE2b(EarlyParamLayer):
    """E2b and E2c."""

    _make_net = LinearE3b._make_net


class LinearE2a(RegistersWeightNet, LinearE2b):
    """E2a."""


class LinearE1(PublicNames, LinearE2a):
    """E1."""
