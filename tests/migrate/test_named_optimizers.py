"""Optimizers that were given names: their state says which parameter is which, in any order, groups or number."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import migrate
from migrate.checkpoint import main
from migrate.errors import UnusableFileError
from tests.migrate import _policies as policies

STACKS = ["legacy", "modules"]


def agent_of(stack: str, folder: Path) -> Any:
    path = policies.write_old(folder / "policy.pt", policies.old_agent())
    return migrate.load_policy(path, stack)


def by_kind(agent: Any) -> torch.optim.Optimizer:
    """Weight decay for weights, none for biases."""
    named = list(agent.named_parameters())
    weights = [(name, parameter) for name, parameter in named if parameter.dim() > 1]
    rest = [(name, parameter) for name, parameter in named if parameter.dim() < 2]
    return torch.optim.AdamW([{"params": weights, "weight_decay": 0.1}, {"params": rest, "weight_decay": 0.0}])


def learned(agent: Any) -> torch.optim.Optimizer:
    """Over what is not frozen."""
    next(agent.parameters()).requires_grad_(False)
    return torch.optim.Adam([(name, each) for name, each in agent.named_parameters() if each.requires_grad])


@pytest.mark.parametrize("kind", [by_kind, learned])
@pytest.mark.parametrize("first", STACKS)
@pytest.mark.parametrize("second", STACKS)
def test_training_goes_on_in_either_stack(first: str, second: str, kind: Any, tmp_path: Path) -> None:
    agent = agent_of(first, tmp_path)
    optimizer = kind(agent)
    policies.train(agent, optimizer, range(3))
    path = migrate.save_policy(tmp_path / "saved.safetensors", agent, optimizer.state_dict())[0]
    other = migrate.load_policy(path, second)
    again = kind(other)
    again.load_state_dict(migrate.load_optimizer_state(path, other))
    here, there = policies.train(agent, optimizer, range(3, 6)), policies.train(other, again, range(3, 6))
    assert policies.equal(here, there)
    assert [group["weight_decay"] for group in again.param_groups] == [
        g["weight_decay"] for g in optimizer.param_groups
    ]


def test_names_count_and_not_the_order(tmp_path: Path) -> None:
    agent = agent_of("modules", tmp_path)
    optimizer = torch.optim.Adam(list(agent.named_parameters())[::-1])
    policies.train(agent, optimizer, range(2))
    path = migrate.save_policy(tmp_path / "saved.safetensors", agent, optimizer.state_dict())[0]
    again = torch.optim.Adam(agent.parameters())
    again.load_state_dict(migrate.load_optimizer_state(path, agent))
    for parameter in agent.parameters():
        assert torch.equal(again.state[parameter]["exp_avg"], optimizer.state[parameter]["exp_avg"])


def _all(agent: Any) -> list[torch.nn.Parameter]:
    return list(agent.parameters())


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda agent: [{"params": part} for part in (_all(agent)[:3], _all(agent)[3:])], "has 2 parameter groups"),
        (lambda agent: _all(agent)[1:], "has 20 parameters, the policy 21"),
    ],
)
def test_without_names_the_way_out_is_to_give_them(made: Any, message: str, tmp_path: Path) -> None:
    agent = agent_of("modules", tmp_path)
    state = torch.optim.Adam(made(agent)).state_dict()
    with pytest.raises(UnusableFileError, match=rf"(?s){message}.*over agent\.named_parameters\(\)"):
        migrate.save_policy(tmp_path / "saved.safetensors", agent, state)


def test_what_an_old_file_cannot_say_of_an_optimizer_is_refused(tmp_path: Path) -> None:
    agent = agent_of("modules", tmp_path)
    with pytest.raises(UnusableFileError, match="several parameter groups"):
        migrate.save_policy(tmp_path / "saved.pt", agent, by_kind(agent).state_dict())
    assert not (tmp_path / "saved.pt").exists()


def test_a_learning_rate_may_be_a_tensor(tmp_path: Path) -> None:
    old = policies.old_agent()
    optimizer = torch.optim.Adam(old.parameters(), lr=torch.tensor(1e-3))
    policies.train(old, optimizer, range(2))
    files = policies.write_old(tmp_path / "policy.pt", old), policies.write_trainer_state(tmp_path / "t.pt", optimizer)
    assert main([str(files[0]), "--trainer-state", str(files[1])]) == 0
    new = migrate.load_policy(tmp_path / "policy.safetensors", "modules")
    again = torch.optim.Adam(new.parameters(), lr=torch.tensor(1.0))
    again.load_state_dict(migrate.load_optimizer_state(tmp_path / "policy.safetensors", new))
    assert torch.equal(again.param_groups[0]["lr"], torch.tensor(1e-3))
    assert policies.equal(policies.train(old, optimizer, range(2, 4)), policies.train(new, again, range(2, 4)))
