"""What a fixture's `meta.json` records of Python objects, told again of ours: values, types, and tensors by hash."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from omegaconf import DictConfig, ListConfig, OmegaConf
from torch import Tensor, nn

from legacy.spaces import MultiDiscrete
from migrate.eras import Era
from migrate.registry import rules, stem_of_old

NOT_KEPT = frozenset({"lstm_h", "lstm_c"})
"""States of the last training batch, which old code forgot when it read a file, and a migration leaves (trap 24)."""
RECORDED_AS_TEXT = frozenset({"cfg", "obs_space", "action_space"})
"""Of which only what `print` says was recorded, at E9 and later."""
PLAIN = (bool, int, float, str, type(None))
MODULE_INTERNALS = frozenset(vars(nn.Module()))


def recorded(value: Any, era: Era) -> Any:
    """One value, as the recorder wrote it."""
    if type(value) in PLAIN:
        return value
    if isinstance(value, np.generic):  # JSON does not tell it from a number
        return value.item()
    if isinstance(value, Tensor):
        return tensor(value)
    if isinstance(value, nn.Module):
        return {"__module__": class_path(value, era)}
    if isinstance(value, DictConfig | ListConfig):  # only the outermost container kept its type
        return _typed(value, object, OmegaConf.to_container(value))
    if isinstance(value, dict):
        return _typed(value, dict, {str(key): recorded(value[key], era) for key in value})
    if isinstance(value, list | tuple):
        return _typed(value, list, [recorded(item, era) for item in value])
    if isinstance(value, MultiDiscrete):  # stands for gymnasium's, which prints its numbers in NumPy's way
        return {"__repr__": repr(value), "__type__": "gymnasium.spaces.multi_discrete.MultiDiscrete"}
    raise TypeError(f"the recorder knew no {type(value)}")


def _typed(value: Any, usual: type, content: Any) -> Any:
    if type(value) is usual:
        return content
    return {"__type__": f"{type(value).__module__}.{type(value).__qualname__}", "value": content}


def tensor(value: Tensor) -> dict[str, Any]:
    return {
        "__tensor__": True,
        "shape": list(value.shape),
        "dtype": str(value.dtype),
        "sha256": sha256(value),
        "requires_grad": value.requires_grad,
    }


def sha256(value: Tensor) -> str:
    """The recorder's hash of a tensor: dtype, shape and bytes, one after the other."""
    head = f"{value.dtype}{tuple(value.shape)}".encode()
    return hashlib.sha256(head + value.detach().contiguous().numpy().tobytes()).hexdigest()


def class_path(module: nn.Module, era: Era) -> str:
    """The old class path of one of our old classes; of others, their own."""
    package, _, stem = type(module).__module__.rpartition(".")
    if package == "legacy.layers":
        return f"{era.root}{rules()[stem].old}"
    return f"{type(module).__module__}.{type(module).__qualname__}"


def policy_attributes(agent: Any, recorded_agent: Mapping[str, Any]) -> Iterator[tuple[Any, Mapping[str, Any]]]:
    """The policy of an agent of E9 and later, and what was recorded of it."""
    if "policy" in recorded_agent:
        yield agent.policy, recorded_agent["policy"]["attrs"]


def without_defaults(attrs: Mapping[str, Any], path: str, era: Era) -> dict[str, Any]:
    """Attributes without the entries of `_nn_params` that say what the old class would have taken anyway."""
    key = "_nn_params" if "_nn_params" in attrs else "nn_params"
    params = attrs[key].get("value", attrs[key])
    return {**attrs, key: rules()[stem_of_old(path, "meta.json")].without_defaults(params, era)}


def attributes(module: nn.Module, era: Era) -> Mapping[str, Any]:
    """All attributes of a module that `nn.Module` does not manage."""
    own = {key: value for key, value in vars(module).items() if key not in MODULE_INTERNALS | RECORDED_AS_TEXT}
    return {key: plainly(recorded(value, era)) for key, value in own.items()}


def plainly(value: Any) -> Any:
    """A recorded value without what the recorder noted of keys that are numbers, and of NumPy's types."""
    if isinstance(value, dict):
        if value.get("__type__") == "builtins.dict" or str(value.get("__type__")).startswith("numpy."):
            return plainly(value["value"])
        return {str(key): plainly(item) for key, item in value.items()}
    return [plainly(item) for item in value] if isinstance(value, list) else value
