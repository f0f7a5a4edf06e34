"""The architectures of E10 and E11, by name."""

from __future__ import annotations

from typing import Any

import pytest
from omegaconf import OmegaConf

import legacy
from legacy.component_policies import architectures, components
from legacy.policy_agent import VERSIONS
from legacy.spaces import Box, Dict, MultiDiscrete
from migrate.eras import Era
from migrate.registry import legacy_target, stem_of_old

DATES = ("2025-08-19", "2025-08-26", "2025-09-03")


class Environment:
    def __init__(self) -> None:
        self.single_observation_space = Box((7, 3))
        self.single_action_space = MultiDiscrete([2, 2])
        self.feature_normalizations = {0: 1.0, 1: 10.0}
        self.obs_width = self.obs_height = 11


def make(agent: Any, date: str) -> Any:
    return legacy.make_policy(Environment(), OmegaConf.create({"agent": agent, "device": "cpu"}), date)


@pytest.mark.parametrize("date", DATES)
def test_own_classes_are_those_that_the_rules_name(date: str) -> None:
    for name in architectures(date):
        own = components(name, date, own=True)
        for component, old in components(name, date).items():
            stem = stem_of_old(old["_target_"], component)
            assert own[component] == {**old, "_target_": legacy_target(stem, Era(date))}


def test_an_agent_is_built_from_the_name_of_its_architecture() -> None:
    agent = make("fast", "2025-08-19")
    assert list(agent.components)[-2:] == ["_action_embeds_", "_action_"]
    assert agent.clip_range == 0


def test_settings_may_stand_beside_the_name() -> None:
    agent = make({"name": "latent_attn_tiny", "clip_range": 1.5}, "2025-08-19")
    assert "obs_cross_attn" in agent.components
    assert agent.clip_range == 1.5


def test_the_actor_is_parted_in_two_from_e11_on() -> None:
    assert "actor_query" not in components("fast", "2025-09-02")
    assert list(components("fast", "2025-09-03"))[-2:] == ["actor_query", "_action_"]


def test_predictions_of_the_environment_are_read_by_no_other_component() -> None:
    config = components("fast_dynamics", "2025-09-03")
    read = {source["name"] for each in config.values() for source in each["sources"] or []}
    assert {"returns_pred", "reward_pred"} <= config.keys() - read


def test_an_architecture_of_a_later_date_is_refused() -> None:
    with pytest.raises(ValueError, match="no architecture 'fast_dynamics' on 2025-08-19; there are fast, latent_attn_"):
        components("fast_dynamics", "2025-08-19")


@pytest.mark.parametrize(
    ("date", "called"),
    [("2025-08-13", "ComponentPolicy"), ("2025-08-19", "Fast policy"), ("2025-09-03", "Fast policy")],
)
def test_a_component_that_no_head_reaches_is_told_with_the_class_of_the_policy(date: str, called: str) -> None:
    graph = components("fast", max(date, DATES[0]), own=True)
    graph["dead"] = {**graph["critic_1"], "name": "dead"}
    env: Any = Environment()
    facts = {name: getattr(env, name) for name in ("feature_normalizations", "obs_width", "obs_height")}
    cfg = {"components": graph, "clip_range": 0, "observations": {"obs_key": "grid_obs"}, **facts}
    agent_class = dict(VERSIONS)[date]
    with pytest.raises(RuntimeError, match=f"^Component dead in {called} was never setup.$"):
        agent_class(Dict({"grid_obs": env.single_observation_space}), env.single_action_space, "cpu", **cfg)


def test_the_numbers_of_features_travel_with_a_record() -> None:
    agent = make("fast", DATES[0])
    assert agent.get_original_feature_mapping() is None
    agent.restore_original_feature_mapping(kept := {"hp": 3})
    assert agent.get_original_feature_mapping() == kept
    assert agent.original_feature_mapping is not kept
