"""Builds the agent of a golden file whose building failed: straight from our copy of the old classes."""

from __future__ import annotations

from typing import Any

from omegaconf import OmegaConf

import legacy
from migrate.eras import Era, below_root
from migrate.registry import has_rule, legacy_target, stem_of_old
from tests.real._golden import Golden

IN_OUR_WORDS = {
    "was never setup": "no head reaches: actor_2",
    "'NoneType' object is not subscriptable": "no head reaches: actor_2",
    "Missing key components": "there is no agent with `components` in it",
    "KeyError: 'encoded_obs'": r"has the source 'encoded_obs', which is none of|\(trap 59\)",
    "Missing key hidden_size": r"lacks nn_params.hidden_size|\(trap 59\)",
    "obs_token_to_boxshaper": "no rule for the class metta.agent.lib.obs_token_to_boxshaper.ObsTokenToBoxShaper",
}
"""Part of a recorded error -> pattern of the refusal of the migration or of the new stack."""


def build_straight(golden: Golden) -> Any:
    """The old agent, without any of the checks of the migration; classes that we do not have stay as they are named."""
    config = dict(golden.config)
    if "components" in config:
        components = config["components"].items()
        config["components"] = {
            name: {**component, "_target_": _own(str(component["_target_"]), golden.era)}
            for name, component in components
        }
    cfg = OmegaConf.create({"agent": config, "device": "cpu"})
    return legacy.make_policy(golden.environment, cfg, golden.era.date)


def _own(target: str, era: Era) -> str:
    return legacy_target(stem_of_old(target, below_root(target)), era) if has_rule(target) else target


def refusal_of(error: str) -> str:
    """Pattern of what our refusal must say where the old code raised `error`."""
    return next(ours for theirs, ours in IN_OUR_WORDS.items() if theirs in error)


def told_by_old_code(error: str) -> str:
    """An error without what Python says of the module, which names the topmost package that is missing."""
    return error.partition(": No module named")[0]
