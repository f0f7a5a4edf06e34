"""Agents of the example and of recorded configs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

import migrate
from equivalence.pairs import DEFAULT_ACTIONS, default_environment, new_config_of
from equivalence.subjects import era_in_name
from migrate import config_rules
from migrate.agent_rules import ERA
from migrate.config import read_agent_config
from modules import MettaAgent

EXAMPLE = Path(__file__).parents[3] / "examples" / "simple.yaml"
POLICY = EXAMPLE.with_name("policy.pt")


def of_config(file: Path, seed: int = 0) -> MettaAgent:
    """A fresh agent of the new stack from a config of either, with actions active."""
    config: Mapping[str, Any] = read_agent_config(file)
    era = era_in_name(file)
    named = config if era is None or ERA in config or config_rules.is_new(config) else {**config, ERA: era}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        built: Any = migrate.build_agent(
            {**named, config_rules.STACK: "modules"}, default_environment(new_config_of(named))
        )
    assert isinstance(built, MettaAgent)
    if not built.has_two_heads:
        built.activate_actions(*DEFAULT_ACTIONS, "cpu")
    return built


def fast(agent: MettaAgent) -> MettaAgent:
    """The same agent with cheaper algebra where it pays."""
    result = MettaAgent({**agent.config, "numerics": "fast"}, agent.environment)
    result.load_state_dict(agent.state_dict())
    result.activate_actions(*DEFAULT_ACTIONS, "cpu")
    return result


def structure(agent: MettaAgent) -> tuple[object, ...]:
    """What decides which operations an agent is made of: wiring, classes, and options that are no sizes."""
    graph = tuple((name, tuple(sources)) for name, sources in agent.components.execution_graph.items())
    options = {key: value for key, value in agent.config.items() if isinstance(value, (bool, str))}
    layers = [
        (name, type(layer), [(k, v) for k, v in sorted(vars(layer).items()) if isinstance(v, (bool, str))])
        for name, layer in agent.components.named_modules()
    ]
    return graph, repr(layers), repr(sorted(options.items()))
