"""`LSTM`: the recurrent core; until E7 the caller owns its state, from E8 on it does itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from einops import rearrange
from torch import nn

from legacy.base import Blackboard, LayerBase
from legacy.early import EarlyLayer, PublicNames


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
        return _initialized(nn.LSTM(self._in_tensor_shapes[0][0], self.hidden_size, **self._nn_params))

    def _forward(self, td: Blackboard) -> Blackboard:
        x, state = td["x"], td["state"]
        hidden = td[(self._sources or [])[0]["name"]]
        batch, time = batch_and_time(x, self._obs_shape)
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


Memory = dict[int, torch.Tensor]


class LSTME8(LayerBase):
    """`[B * T, in]` -> `[B * T, hidden]`, with a memory of its own per environment.

    Quirks kept: `setup` builds the net again at every visit and throws the old one away (trap 5); columns of the state
    are reset where `dones` or `truncateds` say so, if both are there; a stored state of another batch size fails inside
    of torch (trap 24).
    """

    def __init__(self, **cfg: Any) -> None:
        super().__init__(**cfg)
        self.hidden_size = self._nn_params["hidden_size"]
        self.num_layers = self._nn_params["num_layers"]
        self.lstm_h: Memory = {}
        self.lstm_c: Memory = {}

    def setup(self, source_components: Mapping[str, Any] | None = None) -> None:
        """Builds the net, once more than needed."""
        super().setup(source_components)
        self._net = self._make_net()

    def has_memory(self) -> bool:
        """Whether it keeps a state between calls."""
        return True

    def get_memory(self) -> tuple[Memory, Memory]:
        """Hidden and cell state `[layers, B, hidden]`, by the number of the first environment."""
        return self.lstm_h, self.lstm_c

    def set_memory(self, memory: tuple[Memory, Memory]) -> None:
        """Puts what `get_memory` gave back."""
        self.lstm_h, self.lstm_c = memory

    def reset_memory(self) -> None:
        """Forgets every state."""
        self.lstm_h.clear()
        self.lstm_c.clear()

    def _make_net(self) -> nn.Module:
        assert self._in_tensor_shapes, "LSTM requires at least one source component"
        assert self._in_tensor_shapes[0], "LSTM requires a valid input tensor shape from its source component"
        self._out_tensor_shape = [self.hidden_size]
        return _initialized(nn.LSTM(self._in_tensor_shapes[0][0], **self._nn_params))

    def _forward(self, td: Any) -> Any:
        time, batch = int(td["bptt"][0]), int(td["batch"][0])
        hidden = rearrange(td[self._sources[0]["name"]], "(b t) h -> t b h", b=batch, t=time)
        keys = td.keys()
        number = int(td["training_env_id_start"][0]) if "training_env_id_start" in keys else 0
        if number in self.lstm_h and number in self.lstm_c:
            h, c = self.lstm_h[number], self.lstm_c[number]
            if "dones" in keys and "truncateds" in keys:
                over = (td["dones"].bool() | td["truncateds"].bool()).view(1, -1, 1)
                h, c = h.masked_fill(over, 0), c.masked_fill(over, 0)
        else:
            h = torch.zeros(self.num_layers, batch, self.hidden_size, device=hidden.device)
            c = torch.zeros(self.num_layers, batch, self.hidden_size, device=hidden.device)
        hidden, (h, c) = self._net(hidden, (h, c))
        self.lstm_h[number], self.lstm_c[number] = h.detach(), c.detach()
        td[str(self._name)] = rearrange(hidden, "t b h -> (b t) h")
        return td


class LSTM0815(LSTME8):
    """From 2025-08-15: what a pickle carried of the last training states is forgotten when it is read."""

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.lstm_h, self.lstm_c = {}, {}


def batch_and_time(x: torch.Tensor, obs_shape: Any) -> tuple[int, int]:
    """B and T of observations `[B, (T,) *obs_shape]`.

    Raises:
        ValueError: "Invalid input tensor shape".
    """
    ndim = len(obs_shape)
    if list(x.shape[-ndim:]) != list(obs_shape) or x.dim() not in (ndim + 1, ndim + 2):
        raise ValueError("Invalid input tensor shape", x.shape)
    return x.shape[0], x.shape[1] if x.dim() == ndim + 2 else 1


def _initialized(net: nn.LSTM) -> nn.LSTM:
    for name, parameter in net.named_parameters():
        if "bias" in name:
            nn.init.constant_(parameter, 1)
        elif "weight" in name:
            nn.init.orthogonal_(parameter, 1)
    return net


class LSTME2(EarlyLayer, LSTM):
    """E2 and E3: the same."""

    def __init__(self, obs_shape: Any, hidden_size: int, **cfg: Any) -> None:
        EarlyLayer.__init__(self, **cfg)
        self.obs_shape = obs_shape
        self.hidden_size = hidden_size
        self.num_layers = self._nn_params["num_layers"]

    @property
    def _obs_shape(self) -> Any:  # type: ignore[override]  # another name of the same
        return self.obs_shape


class LSTME1(PublicNames, LSTME2):
    """E1."""
