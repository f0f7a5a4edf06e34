"""What an era decides for a whole agent, as keys of the new config; the counterpart of a rule's `fixed`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from migrate.eras import Era, named
from migrate.rule import ByEra, equal

ERA = "era"
DEFAULT_ERA = Era("E4d")
"""The era of a new config that names none."""

FIXED: Mapping[str, ByEra] = {
    "heads": ByEra(
        (("E1", ["_value_", "_action_type_", "_action_param_"]), ("E4a", None), ("2025-09-03", ["_action_", "_value_"]))
    ),
    "action_dtype": ByEra((("E1", None), ("2025-06-02", "int32"))),
    "sequences": ByEra((("E1", None), ("2025-05-19", "single_steps"), ("2025-05-22", None))),
    "log_probs": ByEra((("E1", None), ("E4a", "logsumexp"), ("E4c", None))),
    "remapped": ByEra((("E1", None), ("2025-07-01", ["_obs_"]))),
    "divisors_when_remapped": ByEra((("E1", None), ("2025-07-01", "environment"), ("E9", None))),
    "remap_when_equal": ByEra((("E1", None), ("2025-07-01", "kept"))),
    "learns": ByEra((("E1", None), ("2025-08-27", "in_training"))),
    "l2_init_anchors": ByEra((("E1", None), ("E9", "kept"))),
    "l2_sum": ByEra((("E1", "in_order"), ("E4b", None), ("2025-09-03", "in_order"))),
}
"""Key of the new config -> its value since when; None where it is not written."""
EXTRA_HEADS = ("returns_pred", "reward_pred")
"""Heads of E11's `fast_dynamics`, built but never run."""


def decided_by(era: Era, components: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of a new agent config that the era decides, the era itself included."""
    decided: dict[str, Any] = {} if era.date == DEFAULT_ERA.date else {ERA: spoken(era)}
    decided.update({key: value for key, steps in FIXED.items() if (value := steps.at(era)) is not None})
    if "remapped" in decided:
        decided["remapped"] = [name for name in decided["remapped"] if name in components]
    if "heads" in decided:
        decided["heads"] = [*decided["heads"], *(name for name in EXTRA_HEADS if name in components)]
    return decided


def spoken(era: Era) -> str:
    """The name of an era where that says its date, else the date."""
    return era.name if Era(era.name).date == era.date else era.date


def era_of_config(config: Mapping[str, Any]) -> Era:
    """The era that a new config names; E4d where it names none."""
    return named(config[ERA], "config") if config.get(ERA) else DEFAULT_ERA


def differing(config: Mapping[str, Any], era: Era) -> dict[str, Any]:
    """Keys of a new config that say something else than its era did, which the old stack cannot; and what it did."""
    decided = decided_by(era, config["components"])
    return {key: decided.get(key) for key in FIXED if not equal(config.get(key), decided.get(key))}
