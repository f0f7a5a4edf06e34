from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import migrate
from equivalence import trace
from equivalence.finding import Pair
from tests.migrate import _eras as eras


@pytest.fixture(params=["old", "new"])
def agent(pair: Pair, request: pytest.FixtureRequest) -> Any:
    return getattr(pair, request.param)


def _obs(*leading: int) -> torch.Tensor:
    return torch.randint(0, 5, (*leading, 11, 11, 24), dtype=torch.uint8)


def test_inference_gives_every_component_and_every_output(agent: Any) -> None:
    result = trace(agent, _obs(3))
    assert list(result.components) == list(agent.components)
    assert set(result.outputs) == {"value", "log_prob", "entropy", "log_probs", "lstm_h", "lstm_c", "action"}
    assert result.outputs["action"].shape == (3, 2)
    assert result.outputs["value"].shape == (3, 1)


def test_training_flattens_time_and_samples_nothing(agent: Any) -> None:
    obs = _obs(2, 3)
    before = torch.get_rng_state()
    result = trace(agent, obs, action=torch.zeros(2, 3, 2, dtype=torch.long))
    assert "action" not in result.outputs
    assert result.outputs["log_prob"].shape == (6,)
    assert result.outputs["lstm_h"].shape == (2, 2, 32)
    assert torch.equal(before, torch.get_rng_state())


def test_autograd_is_as_the_caller_set_it(agent: Any) -> None:
    assert trace(agent, _obs(1)).outputs["value"].requires_grad
    with torch.no_grad():
        assert not trace(agent, _obs(1)).outputs["value"].requires_grad


def test_the_state_given_is_used_and_not_changed(agent: Any) -> None:
    obs, state = _obs(2), (torch.randn(2, 2, 32), torch.randn(2, 2, 32))
    copies = tuple(part.clone() for part in state)
    with_state = trace(agent, obs, state=state).outputs["value"]
    assert not torch.equal(with_state, trace(agent, obs).outputs["value"])
    assert all(torch.equal(part, copy) for part, copy in zip(state, copies, strict=True))


def test_tracing_leaves_no_hook_behind(agent: Any) -> None:
    trace(agent, _obs(1))
    assert not any(module._forward_hooks for module in agent.modules())


@pytest.mark.parametrize("name", ["dones", "truncateds", "e3b"])
def test_an_argument_of_another_era_is_refused(agent: Any, name: str) -> None:
    with pytest.raises(ValueError, match=f"{name}: this agent's era does not take it"):
        trace(agent, _obs(1), None, None, **{name: torch.zeros(1)})


@pytest.mark.parametrize("stack", ["legacy", "modules"])
def test_whoever_has_curiosity_has_an_agent_of_before_it_was_removed(stack: str, tmp_path: Path) -> None:
    policy, _ = eras.trained("2025-04-24", eras.from_box).write(tmp_path)  # as it was on the 30th, without `e3b`
    agent = migrate.load_policy(policy, stack)
    x, e3b = torch.ones(1, *eras.BOX.obs_shape, dtype=torch.uint8), torch.eye(4)[None]
    outputs = trace(agent, x, e3b=e3b).outputs
    assert outputs["e3b"].shape == e3b.shape
    assert outputs["action"].shape == (2,)
    assert trace(agent, x).outputs["action"].shape == (1, 2)


def test_an_agent_of_neither_stack_is_refused() -> None:
    with pytest.raises(TypeError, match="not an agent of either stack: Linear"):
        trace(nn.Linear(1, 1), torch.zeros(1))
