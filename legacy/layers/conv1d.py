"""`Conv1d`: a 1-D convolution, of E1 to E3 only and in no recorded config."""

from __future__ import annotations

from torch import nn

from legacy.early import EarlyParamLayer, EarlyParamLayerE3b, PublicNames, RegistersWeightNet


class Conv1d(EarlyParamLayerE3b):
    """From 2025-04-22: `[B, C, L]` -> `[B, output_size, l]`; `nn_params` goes to `nn.Conv1d` whole."""

    def _make_net(self) -> nn.Module:
        return nn.Conv1d(self._input_size, self._output_size, **self._nn_params)


class Conv1dE2b(EarlyParamLayer):
    """E2b and E2c."""

    _make_net = Conv1d._make_net


class Conv1dE2a(RegistersWeightNet, Conv1dE2b):
    """E2a."""


class Conv1dE1(PublicNames, Conv1dE2a):
    """E1."""
