"""What the tests of the traps 32 to 62 share: one policy in both stacks, and what a policy computes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

import migrate
import modules
from equivalence.case import Setup, Source
from equivalence.sides import Trial, build_new, build_old, run_new, run_old
from equivalence.tracing import trace
from migrate import pickle_writer
from migrate.eras import Era
from migrate.to_legacy import legacy_agent
from modules import Environment
from tests.migrate._eras import ACTIONS, FEATURES, Policy, config_of, environment_of

PADDING = (255, 255, 255)
Token = tuple[int, int, int]


def made(date: str, encoder: Any, environment: Environment | None = None, **changes: Mapping[str, Any]) -> Policy:
    """A policy of a date that was never trained, with actions activated where the date had that.

    Args:
        date: of the code.
        encoder: see `tests.migrate._eras`.
        environment: the usual one if not given.
        changes: options of components.
    """
    era = Era(date)
    config = config_of(era, encoder)
    for name, options in changes.items():
        config["components"].setdefault(name, {}).update(options)
    torch.manual_seed(0)
    agent = legacy_agent(config, environment or environment_of(encoder, era), "test", era)
    if era.is_since("2025-07-01"):
        meet(agent, FEATURES)
    elif era.is_since("E4a"):
        agent.activate_actions(*deepcopy(ACTIONS), "cpu")
    return Policy(era, agent, torch.optim.Adam(agent.parameters()), config)


def meet(agent: Any, features: Mapping[str, Any]) -> None:
    """Takes an agent of either stack into an environment with these features."""
    agent.initialize_to_environment(features, *deepcopy(ACTIONS), "cpu")


def file_of(policy: Policy, folder: Path) -> Path:
    """`policy.pt`, as the trainer of its date wrote it."""
    return policy.write(folder)[0]


def both(policy: Policy, folder: Path) -> tuple[Any, Any]:
    """A policy's agent in either stack, each read from the old file."""
    path = file_of(policy, folder)
    return migrate.load_policy(path, "legacy"), migrate.load_policy(path, "modules")


def fresh(agent: modules.MettaAgent) -> Any:
    """A new agent of the same config and environment, with weights of its own."""
    other = modules.MettaAgent(agent.config, agent.environment)
    if agent.action_space is not None:
        other.activate_actions(agent.action_space.names, agent.action_space.max_params)
    return other


def forget_rows(agent: Any) -> None:
    """What a state dict alone leaves of action embeddings: their table, and not which row is whose."""
    embeds = agent.components["_action_embeds_"]
    embeds.rows, embeds.active_indices = {}, torch.empty(0, dtype=torch.long)


def by_state_dict(agent: modules.MettaAgent) -> Any:
    """The naive migration: a fresh agent with the state dict of another."""
    other = fresh(agent)
    other.load_state_dict(agent.state_dict())
    return other


def passed(agent: nn.Module, x: Tensor, action: Tensor | None = None) -> dict[str, Tensor]:
    """Everything that one pass computes, from a fixed seed."""
    with torch.no_grad():
        torch.manual_seed(0)
        found = trace(agent, x, action=action)
    return {**found.components, **{f"{name} of the agent": value for name, value in found.outputs.items()}}


def same(left: Mapping[str, Tensor], right: Mapping[str, Tensor]) -> bool:
    """Bit for bit, by name."""
    return left.keys() == right.keys() and all(
        (value.shape, value.dtype) == (right[name].shape, right[name].dtype) and torch.equal(value, right[name])
        for name, value in left.items()
    )


def alike(left: nn.Module, right: nn.Module, x: Tensor) -> bool:
    """Whether two agents, of either stack, compute the same of some observations."""
    return same(passed(left, x), passed(right, x))


def token_rows(*rows: Sequence[Token], length: int = 12) -> Tensor:
    """Observations `[len(rows), length, 3]` uint8, with padding behind each row's tokens."""
    return torch.tensor([[*row, *[PADDING] * (length - len(row))] for row in rows], dtype=torch.uint8)


class Sides:
    """One component alone, in both stacks, with the same initial weights."""

    def __init__(self, stem: str, setup: Setup) -> None:
        self.setup = setup
        torch.manual_seed(1)
        self.old = build_old(stem, setup)
        torch.manual_seed(1)
        self.new: Any = build_new(stem, setup)[0]

    def run(self, **inputs: Tensor) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """What both make of observations `x` `[N, ...]` or of the outputs of their sources, from one seed each."""
        with torch.no_grad():
            trial = Trial(batch=len(next(iter(inputs.values()))), time=1, values="", state=False, train=False, seed=0)
            torch.manual_seed(2)
            return run_old(self.old, _in_time(inputs), trial, Era(self.setup.era)), self.run_new(**inputs)

    def run_new(self, **inputs: Tensor) -> dict[str, Tensor]:
        """What the new side alone makes of them."""
        with torch.no_grad():
            torch.manual_seed(2)
            return run_new(self.new, _in_time(inputs))


def _in_time(inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {key: value.unsqueeze(1) if key == "x" else value for key, value in inputs.items()}


def tokens_from(name: str, length: int) -> tuple[Source, ...]:
    """A source of tokens."""
    return (Source(name, (length, 3), tokens=True),)


class Around(nn.Module):
    """Stands for a module that was wrapped around an agent before it was saved."""

    def __init__(self, name: str, agent: nn.Module) -> None:
        super().__init__()
        self.add_module(name, agent)


@contextmanager
def written_as(monkeypatch: Any, paths: Mapping[type, str] | None = None, prefix: str = "") -> Iterator[None]:
    """While this lasts, files name some classes as `paths` does, and all others as ever, behind a prefix."""
    usual = pickle_writer.real_paths
    also = {f"{cls.__module__}.{cls.__qualname__}": path for cls, path in (paths or {}).items()}

    def changed(era: Era, policy: str = "") -> dict[str, str]:
        return {ours: f"{prefix}{path}" for ours, path in {**usual(era, policy), **also}.items()}

    with monkeypatch.context() as patch:
        patch.setattr(pickle_writer, "real_paths", changed)
        yield
