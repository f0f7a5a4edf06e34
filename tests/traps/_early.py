"""What the tests of traps 1 to 31 share: one policy in both stacks, and the naive way to take it over."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import migrate
import modules
from equivalence import sides
from equivalence.case import Setup
from equivalence.tracing import trace
from migrate import config_rules
from migrate.api import STACKS
from migrate.eras import Era
from modules import Environment
from tests.migrate import _eras, _policies
from tests.migrate._policies import CONFIG, ENVIRONMENT

NEW = config_rules.to_new_agent(CONFIG, Era("E4d"), "test")[0]
"""The policy of `_policies` in the words of the new stack."""


def new_agent(config: Mapping[str, Any] = NEW, seed: int = 0) -> Any:
    """A fresh agent of the new stack."""
    torch.manual_seed(seed)
    agent = modules.MettaAgent(config, ENVIRONMENT)
    agent.activate_actions(*_policies.ACTIONS)
    return agent


def both(tmp_path: Path, old: Any) -> tuple[Any, Any]:
    """An old agent and what the migration makes of its file."""
    path = _policies.write_old(tmp_path / "policy.pt", old)
    return migrate.load_policy(path, "legacy"), migrate.load_policy(path, "modules")


def both_of(date: str, encoder: Any, folder: Path) -> tuple[Any, Any]:
    """The same for a trained policy of a date."""
    path, _ = _eras.trained(date, encoder).write(folder)
    return migrate.load_policy(path, "legacy"), migrate.load_policy(path, "modules")


def built(config: Mapping[str, Any], environment: Environment, era: str, seed: int = 0) -> tuple[Any, Any]:
    """A fresh agent of each stack from one old config and one seed."""
    agents = []
    for stack in STACKS:
        torch.manual_seed(seed)
        agents.append(migrate.build_agent({**config, "stack": stack, "era": era}, environment))
        if Era(era).is_since("E4a"):
            agents[-1].activate_actions(list(_eras.ACTIONS[0]), list(_eras.ACTIONS[1]), "cpu")
    return agents[0], agents[1]


def by_weights_alone(old: Any, naive: Any = None) -> Any:
    """The naive migration: a fresh agent and the renamed parameters."""
    agent = new_agent(seed=99) if naive is None else naive
    names = migrate.parameter_names(agent)
    with torch.no_grad():
        for name, parameter in agent.named_parameters():
            parameter.copy_(old.get_parameter(names[name]))
    return agent


def same_weights(old: Any, new: Any) -> bool:
    """Whether every parameter of the new agent is that of the old one, bit for bit."""
    names = migrate.parameter_names(new)
    pairs = [(parameter, old.get_parameter(names[name])) for name, parameter in new.named_parameters()]
    return len(pairs) > 0 and all(torch.equal(ours, theirs) for ours, theirs in pairs)


def answers(agent: Any, time: int | None = None, **given: Any) -> list[Tensor]:
    """What an agent of either stack answers to observations that are always the same: every component and output.

    Args:
        agent: of either stack; boxes of `_eras.BOX` or tokens of `_eras.TOKENS`, by its era.
        time: steps of a training pass; None for inference.
        given: see `trace`.
    """
    box = not any("token" in type(layer).__module__ for layer in agent.components.values())
    generator = torch.Generator().manual_seed(3)
    leading = (3,) if time is None else (3, time)
    shape = (_eras.BOX if box else _eras.TOKENS).obs_shape
    x = torch.randint(0, 4, (*leading, *shape), generator=generator, dtype=torch.uint8)
    if not box:
        x[..., 2] *= 60
    if time is not None:
        given["action"] = torch.randint(0, 2, (*leading, 2), generator=generator)
    torch.manual_seed(0)
    found = trace(agent, x, **given)
    return [tensors[name] for tensors in (found.components, found.outputs) for name in sorted(tensors)]


def same_answers(left: Any, right: Any, time: int | None = None, **given: Any) -> bool:
    """Whether both agents answer alike, bit for bit."""
    with torch.no_grad():
        return _policies.equal(answers(left, time, **given), answers(right, time, **given))


def outputs(stem: str, setup: Setup, rows: int = 2) -> tuple[Tensor, Tensor]:
    """What one component gives in the old stack and, through its rule, in the new one."""
    trial = sides.Trial(batch=rows, time=1, values="normal", state=False, train=False, seed=0)
    torch.manual_seed(0)
    old = sides.build_old(stem, setup)
    torch.manual_seed(0)
    new = sides.build_new(stem, setup)[0]
    inputs = sides.inputs_of(new, setup, trial)
    return sides.run_old(old, inputs, trial, Era(setup.era))["output"], sides.run_new(new, inputs)["output"]
