"""`Facts`: what an old agent knew of its environment, wherever its era kept that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from migrate.errors import UnusableFileError
from migrate.old_component import attributes_of
from migrate.pickle_reader import Record
from migrate.pickle_records import DAMAGED
from migrate.plain import plain

OBS_KEY = "grid_obs"


@dataclass(frozen=True)
class Facts:
    """What an old agent knew.

    Attributes:
        obs_key: which observation it read.
        obs_shape: of one observation.
        clip_range: of its weights.
        feature_names: until 2025-06-04.
        feature_normalizations: divisor by number, from 2025-06-03 on.
        action_nvec: sizes of the two action dimensions, where known.
        window: obs_width and obs_height, from 2025-06-09 on.
        action_names: None before activation.
        action_max_params: None before activation.
    """

    obs_key: str
    obs_shape: tuple[int, ...]
    clip_range: float
    feature_names: tuple[str, ...] = ()
    feature_normalizations: Mapping[int, float] | None = None
    action_nvec: tuple[int, ...] = ()
    window: tuple[int, int] = (0, 0)
    action_names: tuple[str, ...] | None = None
    action_max_params: tuple[int, ...] | None = None


def facts_of(agent: Mapping[str, Any], components: Mapping[str, Record], where: object) -> Facts:
    """Collects the facts.

    Args:
        agent: the agent's attributes, plain.
        components: for the eras whose agents did not keep what they told their components.
        where: the file.

    Raises:
        UnusableFileError: "the agent lacks ...".
    """
    told = agent.get("agent_attributes")
    if told is None and "hidden_size" in agent:
        told = _told(components)
    told = told if isinstance(told, Mapping) else {}
    names, largest = agent.get("action_names"), agent.get("action_max_params", agent.get("actions_max_params"))
    if names is None and largest is not None:
        names = [name for name, _ in agent.get("active_actions", ())]
    _check(told, agent, names, largest, where)
    divisors = told.get("feature_normalizations")
    if isinstance(divisors, list | tuple):
        divisors = dict(enumerate(divisors))
    space = told.get("action_space") or agent.get("action_space") or {}
    return Facts(
        obs_key=told.get("obs_key", OBS_KEY),
        obs_shape=tuple(told["obs_shape"]),
        clip_range=told.get("clip_range", agent.get("clip_range")),
        feature_names=tuple(told.get("grid_features") or ()),
        feature_normalizations=divisors,
        action_nvec=tuple(space.get("MultiDiscrete", ())),
        window=(told.get("obs_width") or 0, told.get("obs_height") or 0),
        action_names=None if names is None else tuple(names),
        action_max_params=None if names is None else tuple(largest),
    )


def _told(components: Mapping[str, Record]) -> dict[str, Any]:
    """What components were told, from what each of them kept."""
    kept: dict[str, Any] = {}
    for name in ("_obs_shape", "obs_shape", "_grid_features", "grid_features"):
        values = [attributes_of(record).get(name) for record in components.values()]
        kept[name] = next((plain(value) for value in values if value is not None), None)
    sizes = [components[name] for name in ("_action_type_", "_action_param_") if name in components]
    nvec = [int(plain(attributes_of(record).get("_output_size"))) for record in sizes]
    return {
        "obs_key": OBS_KEY,
        "obs_shape": kept["_obs_shape"] or kept["obs_shape"],
        "grid_features": kept["_grid_features"] or kept["grid_features"],
        "action_space": {"MultiDiscrete": nvec},
    }


def _check(told: Mapping[str, Any], agent: Mapping[str, Any], names: Any, largest: Any, where: object) -> None:
    checks = {
        "clip_range": isinstance(told.get("clip_range", agent.get("clip_range")), int | float),
        "agent_attributes.obs_key": isinstance(told.get("obs_key", OBS_KEY), str),
        "agent_attributes.obs_shape": _all(int, told.get("obs_shape")),
        "agent_attributes.grid_features": _all(str, told.get("grid_features") or ()),
    }
    if names is not None:
        checks["action_names"] = _all(str, names)
        checks["action_max_params"] = _all(int, largest)
    if wrong := [name for name, is_right in checks.items() if not is_right]:
        raise UnusableFileError(
            f"the agent lacks {', '.join(wrong)}, or has something else there", where=where, fix=DAMAGED
        )


def _all(kind: type, values: Any) -> bool:
    return isinstance(values, list | tuple) and all(isinstance(value, kind) for value in values)
