"""What a caller gives an agent, as the inputs of its graph: observations without a time axis, and a recurrent state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from modules.errors import InputError
from modules.interop import batch_dims

# B batch, T time, N = B * T, L recurrent layers, H hidden
STATE = ("lstm_h", "lstm_c")
NEXT_STATE = ("next_lstm_h", "next_lstm_c")
SINGLE_STEPS = "single_steps"
"""A value of `sequences` in the config: each step of a sequence begins with a state of its own (trap 22)."""
RESETS = ("dones", "truncateds")
"""`[B]` each; where either is true, the state begins anew. Nothing is reset unless both are there."""


def carried(state: Any) -> dict[str, Tensor]:
    """`lstm_h` and `lstm_c` of what a caller carries from step to step; nothing where it has none yet.

    Raises:
        InputError: "the recurrent state must have ...".
    """
    if state is None:
        return {}
    if not all(hasattr(state, key) for key in STATE):
        raise InputError(
            f"the recurrent state must have lstm_h and lstm_c, as PolicyState has, and gets the new ones; "
            f"got {type(state).__name__}"
        )
    h, c = state.lstm_h, state.lstm_c
    return {} if h is None or c is None else {"lstm_h": h, "lstm_c": c}


def graph_inputs(
    data: Mapping[str, Any], obs_shape: Sequence[int], core: Any, *, single_steps: bool = False
) -> dict[str, Any]:
    """The graph's inputs.

    Args:
        data: `x` `[B, *obs_shape]` or `[B, T, *obs_shape]`, and perhaps `lstm_h` and `lstm_c`, `[L, B, H]` each.
        obs_shape: of one observation.
        core: the module with a recurrent state; None if there is none.
        single_steps: whether each step of a sequence begins with a state of its own.

    Returns:
        `x` `[N, *obs_shape]`, and the state, zeros where none is given.

    Raises:
        InputError: "observations must be ...", "the recurrent state ...", "lstm_h must be ...",
            "dones must be ...", "... must be a tensor".
    """
    for key in (*STATE, "action") if isinstance(data, dict) else ():
        if key in data and not isinstance(data[key], Tensor):
            raise InputError(f"{key} must be a tensor, got {type(data[key]).__name__}")
    x, ndim = data["x"], len(obs_shape)
    if tuple(x.shape[-ndim:]) != tuple(obs_shape) or x.dim() - ndim not in (1, 2):
        sizes = ", ".join(map(str, obs_shape))
        raise InputError(f"observations must be [B, {sizes}] or [B, T, {sizes}], got {list(x.shape)}")
    if not torch.compiler.is_compiling() and not x.numel():  # a compiler would make the batch size a case of its own
        raise InputError(f"observations must be one or more, got {list(x.shape)}")
    if single_steps and batch_dims(data) == 1 and x.dim() == ndim + 2:
        steps = "with sequences: single_steps each step has a state of its own"
        raise InputError(f"{steps}, which no TensorDict of batch_size [B] can hold: give a dict")
    inputs = {"x": x.flatten(0, 1) if x.dim() == ndim + 2 else x}
    if core is not None:
        rows = inputs["x"].shape[0] if single_steps else x.shape[0]
        inputs.update(zip(STATE, _state(data, core, rows), strict=True))
    return inputs


def _state(data: Mapping[str, Any], core: Any, rows: int) -> tuple[Tensor, Tensor]:
    x: Tensor = data["x"]
    if batch_dims(data) > 1:
        raise InputError("the recurrent state has no time dimension: give the TensorDict batch_size=[B]")
    keys = data.keys()
    given = {key: data[key] for key in STATE if key in keys}
    if not given:
        initial: tuple[Tensor, Tensor] = core.initial_state(rows, x)
        return initial
    expected = core.state_shape(rows)
    for key in STATE:
        if key not in given:
            raise InputError(f"the recurrent state lacks {key!r}; give both of {STATE} or none")
        if batch_dims(data):
            given[key] = given[key].transpose(0, 1)
        if given[key].shape != expected:
            observations, shape = f"{rows} observations", list(given[key].shape)
            raise InputError(f"{key} must be [L, B, H] {list(expected)} for {observations}, got {shape}")
    h, c = (_learnable(given[key].to(x.device)) for key in STATE)
    resets = [data[key].bool() for key in RESETS if key in keys]
    if len(resets) == len(RESETS):
        for key, each in zip(RESETS, resets, strict=True):
            if each.numel() != rows:
                raise InputError(f"{key} must be [B], one for each of {rows} observations, got {list(each.shape)}")
        over = (resets[0] | resets[1]).view(1, -1, 1)
        h, c = h.masked_fill(over, 0), c.masked_fill(over, 0)
    return h, c


def _learnable(state: Tensor) -> Tensor:
    """A state of a rollout in inference mode, as one that autograd takes, which the old stack's always was."""
    if torch.compiler.is_compiling() or not state.is_inference() or torch.is_inference_mode_enabled():
        return state
    return state.clone() if torch.is_grad_enabled() else state
