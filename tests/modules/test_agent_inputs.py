"""What a caller gives an agent and cannot mean is refused, and nothing of it is passed over."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from modules import MettaAgent, PolicyState
from modules.errors import ConfigError, InputError
from tests.modules._agents import CONFIG, ENVIRONMENT, agent, observations


@pytest.mark.parametrize("beside", [{"state": PolicyState()}, {"action": torch.zeros(2, 2)}], ids=["state", "action"])
def test_a_state_or_action_beside_a_mapping_is_refused(beside: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="give state and action in the mapping too, as lstm_h, lstm_c and action"):
        agent()({"x": observations(2)}, **beside)


def test_a_state_that_cannot_take_the_new_one_is_refused() -> None:
    state: Any = (torch.zeros(2, 1, 6), torch.zeros(2, 1, 6))
    with pytest.raises(InputError, match=r"the recurrent state must have lstm_h and lstm_c, as .*; got tuple"):
        agent()(observations(1), state)


@pytest.mark.parametrize("key", ["lstm_h", "lstm_c", "action"])
def test_what_is_no_tensor_is_named(key: str) -> None:
    data = {"x": observations(1), "lstm_h": torch.zeros(2, 1, 6), "lstm_c": torch.zeros(2, 1, 6)}
    with pytest.raises(InputError, match=f"{key} must be a tensor, got list"):
        agent()({**data, key: [[0.0]]})


@pytest.mark.parametrize("key", ["dones", "truncateds"])
@pytest.mark.parametrize("rows", [1, 3])
def test_resets_for_another_number_of_rows_are_refused(key: str, rows: int) -> None:
    state = {name: torch.ones(2, 4, 6) for name in ("lstm_h", "lstm_c")}
    resets = {"dones": torch.zeros(4), "truncateds": torch.zeros(4), key: torch.ones(rows)}
    with pytest.raises(InputError, match=rf"{key} must be \[B\], one for each of 4 observations, got \[{rows}\]"):
        agent()({"x": observations(4), **state, **resets})


@pytest.mark.parametrize("config", [None, ["components"], "agent.yaml"])
def test_a_config_that_is_no_mapping_is_refused(config: Any) -> None:
    with pytest.raises(ConfigError, match="the config of an agent must be a mapping with `components`, got"):
        MettaAgent(config, ENVIRONMENT)


def test_an_environment_of_another_class_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"must be an Environment, as Environment\.from_dict makes one; got dict"):
        MettaAgent(CONFIG, ENVIRONMENT.to_dict())  # type: ignore[arg-type]


def test_a_state_with_other_active_actions_is_refused() -> None:
    ours, theirs = agent(active=False), agent(active=False)
    ours.activate_actions(["noop", "move"], [0, 1])
    theirs.activate_actions(["move", "noop"], [1, 0])
    theirs.activate_actions(["noop", "move"], [0, 1])
    with pytest.raises(
        InputError, match=r"has other active actions than this agent: rows \[3, 1, 2\], not \[1, 2, 3\]"
    ):
        ours.load_state_dict(theirs.state_dict())


def test_a_state_with_the_same_active_actions_is_loaded() -> None:
    ours, theirs = agent(1), agent(2)
    ours.load_state_dict(theirs.state_dict())
    assert torch.equal(ours(observations(2))[3], theirs(observations(2))[3])
