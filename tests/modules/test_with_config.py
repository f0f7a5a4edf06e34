"""A policy under another config, modes of its own, and what a state dict alone cannot bring."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import torch

from modules import MettaAgent, PolicyState, load_agent, save_agent, with_config
from modules.errors import CheckpointError, ConfigError
from tests.modules._agents import ACTIONS, CONFIG, ENVIRONMENT, agent, observations


def trained() -> MettaAgent:
    """Actions activated in two orders, moved weights, and limits and anchors of the first ones."""
    result = agent(active=False)
    result.activate_actions(["attack", "noop"], [2, 0])
    result.activate_actions(*ACTIONS)
    result.provenance = {"made by": "a test"}
    with torch.no_grad():
        for parameter in result.parameters():
            parameter.mul_(1.5)
    return result


def acted(policy: MettaAgent) -> list[torch.Tensor]:
    torch.manual_seed(2)
    return list(policy(observations(3, 2)))


def same(left: list[torch.Tensor], right: list[torch.Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(left, right, strict=True))


def limit_of(policy: MettaAgent, name: str) -> float:
    component: Any = policy.components[name]
    return float(component.clip_value)


def test_another_config_keeps_all_that_a_policy_learned() -> None:
    policy = trained()
    other = with_config(policy, {"components": {"encoded": {"l2_init_scale": 0.5}}})
    assert other.config["components"]["encoded"]["l2_init_scale"] == 0.5
    assert policy.config["components"]["encoded"]["l2_init_scale"] == 3.0
    assert same(acted(other), acted(policy))
    assert other.provenance == policy.provenance
    assert torch.equal(other.l2_init_loss() * 6, policy.l2_init_loss())
    for each in (other, policy):
        each.clip_weights()
    assert same(acted(other), acted(policy))


def test_clip_limits_follow_the_range() -> None:
    policy = trained()
    half = with_config(policy, {"clip_range": 0.25})
    assert limit_of(half, "encoded") == limit_of(policy, "encoded") / 2
    exempt = with_config(policy, {"components": {"encoded": {"clip_scale": 0}}})
    assert limit_of(exempt, "encoded") == 0
    assert limit_of(exempt, "_value_") == limit_of(policy, "_value_")


def test_a_limit_that_no_change_is_about_stays() -> None:
    policy = trained()
    vars(policy.components["encoded"])["clip_value"] = 0.125
    assert limit_of(with_config(policy, {"components": {"encoded": {"l2_init_scale": 0.5}}}), "encoded") == 0.125


def test_a_config_may_get_a_part_that_it_did_not_have() -> None:
    assert with_config(trained(), {"trainer": {"seed": 1}}).config["trainer"] == {"seed": 1}


def test_a_config_that_the_weights_do_not_fit_is_refused() -> None:
    with pytest.raises(CheckpointError, match="the changed config: the policy contradicts itself"):
        with_config(trained(), {"components": {"encoded": {"out_features": 9}}})


def test_what_was_changed_on_a_live_agent_is_told_with_this_way_out(tmp_path: Path) -> None:
    policy = trained()
    policy.clip_range = 0.25
    with pytest.raises(CheckpointError, match=r"-> undo the change, and .* modules\.with_config\(agent, \{\.\.\.\}\)"):
        save_agent(policy, tmp_path / "policy.safetensors")


def test_a_component_in_another_mode_comes_back_in_it(tmp_path: Path) -> None:
    policy = trained().train()
    policy.components["encoded"].eval()
    save_agent(policy, tmp_path / "policy.safetensors")
    modes = {name: module.training for name, module in load_agent(tmp_path / "policy.safetensors").components.items()}
    assert modes == {name: name != "encoded" for name in policy.components}


def test_rows_that_came_with_a_state_dict_are_not_given_to_other_actions() -> None:
    policy = trained()
    fresh = MettaAgent(copy.deepcopy(CONFIG), ENVIRONMENT)
    fresh.load_state_dict(policy.state_dict())
    with pytest.raises(ConfigError, match=r"came with a state dict, which has no names.*use load_agent, with_config"):
        fresh.activate_actions(*ACTIONS)
    alike = MettaAgent(copy.deepcopy(CONFIG), ENVIRONMENT)
    alike.load_state_dict(agent().state_dict())
    alike.activate_actions(*ACTIONS)
    embeds: Any = alike.components["_action_embeds_"]
    assert embeds.active_indices.tolist() == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("suffix", [".pt", ""])
def test_a_file_that_no_tool_would_read_again_is_not_written(suffix: str, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"is saved as \.safetensors\n  -> migrate\.save_policy writes \.pt"):
        save_agent(agent(), tmp_path / f"policy{suffix}")
    assert not list(tmp_path.iterdir())


def test_a_place_where_nothing_can_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"no/policy\.safetensors: cannot be written: No such file"):
        save_agent(agent(), tmp_path / "no" / "policy.safetensors")


def test_a_state_of_a_rollout_in_inference_mode_can_be_learned_from() -> None:
    policy, gradients = agent(), []
    action: Any = torch.zeros(3, 2, 2, dtype=torch.long)
    for mode in (torch.no_grad, torch.inference_mode):
        state = PolicyState()
        with mode():
            torch.manual_seed(0)
            policy(observations(3), state)
        policy.zero_grad()
        policy(observations(3, 2), state, action)[3].sum().backward()
        gradients.append([parameter.grad for parameter in policy.parameters() if parameter.grad is not None])
    assert len(gradients[0]) > 3
    assert same(gradients[0], gradients[1])


def test_actions_of_an_evaluation_in_inference_mode_can_be_learned_with() -> None:
    policy = agent(active=False)
    with torch.inference_mode():
        policy.activate_actions(*ACTIONS)
    policy(observations(3, 2), PolicyState(), torch.zeros(3, 2, 2, dtype=torch.long))[1].sum().backward()
    assert policy.components["_action_embeds_"].weight.grad is not None


def test_actions_are_not_changed_by_a_config() -> None:
    with pytest.raises(CheckpointError, match="with_config keeps the actions that are active: call activate_actions"):
        with_config(trained(), {"actions": {"names": ["noop"], "max_params": [0]}})


def test_the_environment_stays() -> None:
    with pytest.raises(CheckpointError, match="with_config keeps the environment"):
        with_config(agent(), {"environment": {"obs_shape": [7, 7, 3]}})
