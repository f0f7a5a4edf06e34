"""The methods of an agent, besides its call, that both sides of a shadow go through."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

ACTIVATING = ("activate_actions", "initialize_to_environment")
MIRRORED = (
    *(*ACTIVATING, "clip_weights", "update_l2_init_weight_copy"),
    *("l2_reg_loss", "l2_init_loss", "compute_weight_metrics", "compute_effective_rank"),
)


def arguments_for(name: str, control: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
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
    told = {} if given.get("is_training") is None else {"is_training": bool(given["is_training"])}
    return {"features": given["features"], **actions, **told}


def numbers(name: str, result: Any) -> dict[str, Tensor]:
    """What a method returned, as numbers: a loss, or the statistics of some layers."""
    if isinstance(result, Tensor):
        return {name: result.detach().double()}  # a loss of 0 was an integer in the earliest eras
    found = {f"{name} entries": torch.tensor(len(result or []))}
    for i, each in enumerate(result or []):
        values = {key: value for key, value in each.items() if isinstance(value, int | float)}
        found.update({f"{name}[{i}].{key}": torch.tensor(float(value)).double() for key, value in values.items()})
    return found
