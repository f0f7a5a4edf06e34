"""`LSTM`: the recurrent core of E1 to E7, whose state the caller owns."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from legacy.base import Blackboard, LayerBase


class LSTM(LayerBase):
    """`[B * T, in]` -> `[B * T, hidden]`, with `td["state"]` `[2 * layers, B, hidden]` (all h, then all c) or None.

    Quirks kept: every bias starts at 1, in `bias_ih` and `bias_hh` alike, so gates see 2 (trap 21); the hidden size is
    the agent's attribute, not this layer's config (trap 20); the state is detached and never reset in here (trap 24).
    """

    def __init__(self, obs_shape: Any, hidden_size: int, **cfg: Any) -> None:
        super().__init__(**cfg)
        self._obs_shape = list(obs_shape)
        self.hidden_size = hidden_size
        self.num_layers = self._nn_params["num_layers"]

    def _make_net(self) -> nn.Module:
        self._out_tensor_shape = [self.hidden_size]
        net = nn.LSTM(self._in_tensor_shapes[0][0], self.hidden_size, **self._nn_params)
        for name, parameter in net.named_parameters():
            if "bias" in name:
                nn.init.constant_(parameter, 1)
            elif "weight" in name:
                nn.init.orthogonal_(parameter, 1)
        return net

    def _forward(self, td: Blackboard) -> Blackboard:
        x, state = td["x"], td["state"]
        hidden = td[(self._sources or [])[0]["name"]]
        batch, time = self._batch_and_time(x)
        if state is not None:
            assert state.shape[1] == batch, (state.shape[1], batch)
            state = tuple(state.split(self.num_layers, dim=0))
        assert hidden.shape == (batch * time, self._in_tensor_shapes[0][0])

        hidden = hidden.reshape(batch, time, -1).transpose(0, 1)
        hidden, new_state = self._net(hidden, state)
        hidden = hidden.transpose(0, 1).reshape(batch * time, self.hidden_size)

        td[str(self._name)] = hidden
        td["state"] = torch.cat([part.detach() for part in new_state], dim=0)
        return td

    def _batch_and_time(self, x: torch.Tensor) -> tuple[int, int]:
        ndim = len(self._obs_shape)
        if list(x.shape[-ndim:]) != self._obs_shape or x.dim() not in (ndim + 1, ndim + 2):
            raise ValueError("Invalid input tensor shape", x.shape)
        return x.shape[0], x.shape[1] if x.dim() == ndim + 2 else 1
