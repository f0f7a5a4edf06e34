"""What the rules of all components with one weight (`ParamLayer`) share."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from migrate.rule import Attribute, ByEra, Key, Move, key

OLD_INIT, NEW_INIT = "Orthogonal", "orthogonal"
TANH_GAIN = math.sqrt(2)


def _nonlinearity_forward(path: Any, method: Any) -> tuple[str | None, str, float]:
    """The prefix of the path was ignored, but only the exact text `nn.Tanh` gave the gain of tanh."""
    if not isinstance(method, str):
        raise ValueError(f"initialization {method!r}: the old stack took a name")
    if path is not None and (not isinstance(path, str) or path.count(".") != 1):
        raise ValueError(f"nonlinearity {path!r}: the old stack took exactly `<prefix>.<class>`")
    gain = TANH_GAIN if path == "nn.Tanh" and method.lower() == NEW_INIT else 1.0
    return path and path.partition(".")[2], NEW_INIT if method == OLD_INIT else method, gain


def _nonlinearity_backward(name: str | None, method: str, gain: float) -> tuple[str | None, str]:
    implied = TANH_GAIN if name == "Tanh" and method.lower() == NEW_INIT else 1.0
    if gain not in (implied, 1.0):
        raise ValueError(f"gain {gain!r}: the old stack had {TANH_GAIN!r} behind nn.Tanh and 1.0 elsewhere")
    prefix = "nn" if gain == implied else "torch"
    return name and f"{prefix}.{name}", OLD_INIT if method == NEW_INIT else method


L2_DEFAULT = ByEra((("E1", None), ("E5c", 1)))

_SHARED = (
    Key(
        old=("nonlinearity", "initialization"),
        new=("nonlinearity", "initialization", "gain"),
        old_default=("nn.ReLU", OLD_INIT),
        new_default=(None, NEW_INIT, 1.0),
        forward=_nonlinearity_forward,
        backward=_nonlinearity_backward,
        attribute=("nonlinearity", "initialization"),
    ),
    key("clip_scale", "clip_scale", 1, 1),
    key("l2_init_scale", "l2_init_scale", L2_DEFAULT, None),
)
_L2_NORM = key("l2_norm_scale", "l2_norm_scale", L2_DEFAULT, None)

BIAS = key("nn_params.bias", "bias", True, True)
WEIGHT_KEYS = (*_SHARED, key("analyze_weights", "analyze_weights", None, None, attribute="analyze_weights_bool"))
"""From 2025-06-26 on; `effective_rank` was ignored since E3b, and stays so (trap 18)."""
WEIGHT_KEYS_E3B = (*WEIGHT_KEYS, _L2_NORM)
WEIGHT_KEYS_E1 = (
    *_SHARED,
    _L2_NORM,
    key("effective_rank", "analyze_weights", None, None, attribute="effective_rank_bool"),
)
"""Until E3b."""


def by_era(sizes: tuple[Key, ...], early_sizes: tuple[Key, ...]) -> tuple[tuple[str, tuple[Key, ...]], ...]:
    """The earlier schemas of a component with a weight: `keys_before` of its rule."""
    return (
        ("E3b", (*early_sizes, *WEIGHT_KEYS_E1)),
        ("E4a", (*early_sizes, *WEIGHT_KEYS_E3B)),
        ("2025-06-26", (*sizes, *WEIGHT_KEYS_E3B)),
    )


def legacy_classes(name: str) -> tuple[tuple[str, str], ...]:
    """The versions of a component with a weight in `legacy`, by the versions of `ParamLayer`."""
    later = (("E5c", f"{name}E5c"), ("2025-06-26", f"{name}0626"))
    return (*early_classes(name, "E3b"), ("E4a", name), *later)


def early_classes(name: str, last: str = "") -> tuple[tuple[str, str], ...]:
    """The versions until E3; `last` is the suffix of the last one, where a later version has the name itself."""
    suffixes = {"E1": "E1", "E2a": "E2a", "E2b": "E2b", "E3b": last}
    return tuple((since, f"{name}{suffix}") for since, suffix in suffixes.items())


def weight_state(config: Mapping[str, Any]) -> tuple[Move, ...]:
    """The weight stands in `_net.0` behind which a nonlinearity stands, and in `_net` where there is none (trap 6)."""
    net = "_net" if config["nonlinearity"] is None else "_net.0"
    moves = [Move(f"{net}.weight", "weight")]
    if config["bias"]:
        moves.append(Move(f"{net}.bias", "bias"))
    if config["nonlinearity"] == "PReLU":
        moves.append(Move("_net.1.weight", "activation.weight"))
    return tuple(moves)


def _as_old_number(value: float, config: Mapping[str, Any]) -> Any:
    """The old code kept numpy scalars for the two methods that it computed with numpy (trap 54)."""
    by_numpy = config["initialization"].lower() in ("xavier", "normal") and isinstance(value, float)
    return np.float64(value) if by_numpy else value


def _as_number(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


WEIGHT_ATTRIBUTES = (
    Attribute("largest_weight", "largest_weight", _as_number, _as_old_number),
    Attribute("clip_value", "clip_value", _as_number, _as_old_number),
    Attribute("initial_weights", "initial_weights"),
)
WEIGHT_DERIVED = frozenset({"weight_net", "global_clip_range"})
