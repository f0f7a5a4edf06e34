"""From E10 on, a config names its architecture; the components were Python classes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
import yaml
from omegaconf import OmegaConf

import migrate
import modules
from migrate.config_text import to_modules
from migrate.errors import UsageError
from tests.migrate import _eras
from tests.migrate import _policies as policies

ENVIRONMENT = replace(_eras.TOKENS, obs_width=11, obs_height=11)
CONFIGS: tuple[Any, ...] = ({"agent": "fast"}, {"agent": {"name": "fast"}}, {"name": "fast", "clip_range": 0})


def build(config: Any, environment: modules.Environment = ENVIRONMENT, **keys: str) -> Any:
    return migrate.build_agent({**config, **keys} if keys else config, environment)


@pytest.mark.parametrize("config", CONFIGS)
def test_an_architecture_is_built_by_its_name_on_both_stacks(config: dict[str, Any]) -> None:
    states = []
    for stack in ("legacy", "modules"):
        torch.manual_seed(0)
        agent = build(config, era="E11", stack=stack)
        names = migrate.parameter_names(agent)
        states.append({names[name]: parameter for name, parameter in agent.named_parameters()})
    assert list(states[0]) == list(states[1])
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


@pytest.mark.parametrize(("era", "actor"), [("E10", "ActorSingleHeadModule"), ("E11", "ActorKeySingleHeadModule")])
def test_the_actor_is_that_of_the_era(era: str, actor: str) -> None:
    agent = build({"agent": "fast"}, era=era, stack="modules")
    assert isinstance(agent, modules.MettaAgent)
    assert type(agent.components["_action_"]).__name__ == actor


def test_a_name_alone_does_not_say_which_weights_there_are() -> None:
    with pytest.raises(UsageError, match=r"'fast', whose actor is one component in E10 and two in E11\n  -> add `era"):
        build({"agent": "fast"}, stack="modules")


@pytest.mark.parametrize(("name", "era"), [("fast", "E9"), ("fast_dynamics", "E10")])
def test_an_architecture_that_there_was_not_is_refused(name: str, era: str) -> None:
    with pytest.raises(UsageError, match=f"names the architecture '{name}', which there was not in {era}"):
        build({"agent": name}, era=era)


@pytest.mark.parametrize("text", ["agent: fast\n", "agent:\n  name: fast\n", "name: fast\nclip_range: 0\n"])
def test_nothing_has_to_change_in_a_config_that_names_its_architecture(text: str) -> None:
    assert to_modules(text, "f").text == text


def test_components_that_are_written_out_count_whatever_the_agent_is_called() -> None:
    agent = build({**policies.CONFIG, "name": "fast", "stack": "modules"}, environment=policies.ENVIRONMENT)
    assert list(agent.components) == list(policies.CONFIG["components"])
    text = yaml.safe_dump({**policies.CONFIG, "name": "fast"})
    assert "modules.layers." in to_modules(text, "f").text


def test_a_job_and_its_agent_must_name_one_stack() -> None:
    config = {"stack": "legacy", "agent": {"name": "fast", "era": "E11", "stack": "modules"}}
    with pytest.raises(UsageError, match="stack is 'legacy' in the job and 'modules' in its agent"):
        build(config)


def test_interpolations_of_a_composed_config_are_resolved() -> None:
    agent = build(OmegaConf.create({"c": 0.5, "era": "E11", "agent": {"name": "fast", "clip_range": "${c}"}}))
    assert agent.clip_range == 0.5
