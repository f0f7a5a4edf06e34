"""The methods of an agent, besides its call, that both sides of a shadow go through."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

import legacy

MIRRORED = (
    *("activate_actions", "initialize_to_environment", "clip_weights", "update_l2_init_weight_copy"),
    *("l2_reg_loss", "l2_init_loss", "compute_weight_metrics", "compute_effective_rank"),
)
SAID_TO_TRAIN = "2025-08-27"
"""Until then, a caller who did not say whether it trains was taken to."""


def arguments_for(
    name: str, control: Any, candidate: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> dict[str, Any]:
    """The arguments of a call of the control's method, as the candidate's method wants them, copied."""
    given = copy.deepcopy(dict(inspect.signature(getattr(control, name)).bind(*args, **kwargs).arguments))
    if "action_names" not in given:
        return given
    device = given.get("device")
    actions = {
        "action_names": list(given["action_names"]),
        "action_max_params": list(given["action_max_params"]),
        "device": next(control.parameters()).device if device is None else device,
    }
    if name == "activate_actions":
        return actions
    said = "is_training" if legacy.is_agent(candidate) else "learn"
    return {"features": given["features"], **actions, said: _learns(control, given)}


def _learns(control: Any, given: Mapping[str, Any]) -> bool:
    """Whether unknown features are learned."""
    told = given.get("is_training", given.get("learn"))
    if told is not None:
        return bool(told)
    by_mode = legacy.is_agent(control) and legacy.date_of(control) >= SAID_TO_TRAIN
    return bool(control.training) if by_mode else True


def numbers(name: str, result: Any) -> dict[str, Tensor]:
    """What a method returned, as numbers: a loss, or the statistics of some layers."""
    if isinstance(result, Tensor):
        return {name: result.detach().double()}  # a loss of 0 was an integer in the earliest eras
    found = {}
    for i, each in enumerate(result or []):
        values = {key: value for key, value in each.items() if isinstance(value, int | float)}
        found.update({f"{name}[{i}].{key}": torch.tensor(float(value)).double() for key, value in values.items()})
    return found
