"""`numerics: fast` is other algebra, no other precision: the float64 oracle is its judge."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from equivalence.finding import Pair
from equivalence.hosts import host
from equivalence.pairs import pair_of_configs
from equivalence.policy import FACTOR, ORACLE
from equivalence.proof import Run, prove
from migrate.config import read_agent_config
from modules import MettaAgent, load_agent, save_agent
from modules.errors import ConfigError
from modules.layers.lstm import LSTMModule
from tests.modules._agents import ENVIRONMENT, config

EXAMPLES = Path(__file__).parents[2] / "examples"
STEMS = ("actor_single_head", "actor_big", "conv2d", "lstm")
LEVELS = ("forward", "gradients", "rollout")


def fast(stem: str) -> Pair:
    pair = host(stem)
    for module in pair.new.modules():
        if hasattr(module, "numerics"):
            module.numerics = "fast"  # type: ignore[assignment]
    return pair


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("stem", STEMS)
def test_its_error_is_at_most_twice_that_of_the_old_stack(stem: str, level: str) -> None:
    (result,) = prove(fast(stem), levels=[level], run=Run(40, policy=ORACLE))
    assert not result.differences
    assert result.ratio is not None
    assert result.ratio <= FACTOR


@pytest.mark.slow
def test_that_holds_for_a_whole_agent() -> None:
    old, new = (read_agent_config(EXAMPLES / name) for name in ("simple.yaml", "hydra/agent/simple.yaml"))
    pair = pair_of_configs(old, {**new, "numerics": "fast"})
    results = prove(pair, levels=["forward", "rollout"], run=Run(100, policy=ORACLE))
    assert [result.differences for result in results] == [[], []]


@pytest.mark.parametrize("stem", STEMS)
def test_it_is_another_computation(stem: str) -> None:
    (result,) = prove(fast(stem), levels=["rollout"], run=Run(20, shrink=False))
    assert result.differences


def modes(agent: nn.Module) -> dict[str, str]:
    return {name: str(module.numerics) for name, module in agent.named_modules() if hasattr(module, "numerics")}


def test_an_agent_is_exact_unless_its_config_says_otherwise() -> None:
    assert set(modes(MettaAgent(config(), ENVIRONMENT)).values()) == {"exact"}
    agent = MettaAgent(config() | {"numerics": "fast"}, ENVIRONMENT)
    assert modes(agent) == {f"components.{name}": "fast" for name in ("cnn", "_core_", "_action_")}


def test_a_component_may_say_otherwise_than_its_agent() -> None:
    one_exact = config(_core_={"numerics": "exact"}) | {"numerics": "fast"}
    assert modes(MettaAgent(one_exact, ENVIRONMENT))["components._core_"] == "exact"


def test_a_saved_agent_stays_fast(tmp_path: Any) -> None:
    save_agent(MettaAgent(config() | {"numerics": "fast"}, ENVIRONMENT), tmp_path / "policy.safetensors")
    assert set(modes(load_agent(tmp_path / "policy.safetensors")).values()) == {"fast"}


def test_another_word_is_refused() -> None:
    with pytest.raises(ConfigError, match="numerics must be exact or fast, got 'quick'"):
        MettaAgent(config() | {"numerics": "quick"}, ENVIRONMENT)


def test_dropout_between_layers_is_drawn_as_the_kernel_draws_it() -> None:
    exact, other = (LSTMModule(3, 4, 2, dropout=0.5, numerics=word) for word in ("exact", "fast"))
    other.load_state_dict(exact.state_dict())
    x, state = torch.randn(5, 3), torch.randn(2, 5, 4)
    results = []
    for module in (exact, other):
        torch.manual_seed(0)
        results.append(module.compute(x, state, state))
    assert all(torch.equal(a, b) for a, b in zip(*results, strict=True))
