"""Flipping the flag in the middle of a run changes no bit of what follows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import legacy
import migrate
import modules
from migrate.checkpoint import main
from migrate.errors import UnusableFileError, UsageError
from migrate.pickle_reader import Record
from tests.migrate import _policies as policies

FLIPS = [("legacy", "modules"), ("modules", "legacy"), ("legacy", "legacy"), ("modules", "modules")]
NAMES = ["p.safetensors", "p.pt"]


def agent_of(stack: str, checkpoint: Path | None = None) -> Any:
    torch.manual_seed(3)
    agent = migrate.build_agent({**policies.CONFIG, "stack": stack}, policies.ENVIRONMENT, checkpoint)
    if checkpoint is None:
        agent.activate_actions(*policies.ACTIONS, "cpu")
    return agent


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("first", "second"), FLIPS)
def test_in_the_middle_of_an_episode(tmp_path: Path, first: str, second: str, name: str) -> None:
    expected, _ = policies.rollout(agent_of("legacy"), range(6))
    agent = agent_of(first)
    half, state = policies.rollout(agent, range(3))
    migrate.save_policy(tmp_path / name, agent)
    rest, _ = policies.rollout(agent_of(second, tmp_path / name), range(3, 6), state)
    assert policies.equal([*half, *rest], expected)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("first", "second"), FLIPS)
def test_between_two_optimizer_steps(tmp_path: Path, first: str, second: str, name: str) -> None:
    whole = agent_of("legacy")
    expected = policies.train(whole, policies.adam(whole), range(6))
    agent = agent_of(first)
    optimizer = policies.adam(agent)
    losses = policies.train(agent, optimizer, range(3))
    *_, state = migrate.save_policy(tmp_path / name, agent, optimizer.state_dict())
    agent = agent_of(second, tmp_path / name)
    optimizer = policies.adam(agent)
    optimizer.load_state_dict(migrate.load_optimizer_state(state, agent))
    losses += policies.train(agent, optimizer, range(3, 6))
    assert policies.equal(losses, expected)
    assert policies.equal(list(agent.parameters()), list(whole.parameters()))


def test_there_and_back_again(tmp_path: Path) -> None:
    whole = agent_of("legacy")
    expected = policies.train(whole, policies.adam(whole), range(8))
    losses, checkpoint = [], None
    state: Any = None
    for turn, stack in enumerate(["legacy", "modules", "legacy", "modules"]):
        agent = agent_of(stack, checkpoint)
        optimizer = policies.adam(agent)
        if state is not None:
            optimizer.load_state_dict(migrate.load_optimizer_state(state, agent))
        losses += policies.train(agent, optimizer, range(2 * turn, 2 * turn + 2))
        checkpoint, *_, state = [
            tmp_path / f"{turn}.pt",
            *migrate.save_policy(tmp_path / f"{turn}.pt", agent, optimizer.state_dict()),
        ]
    assert policies.equal(losses, expected)


@pytest.mark.parametrize("stack", ["legacy", "modules"])
def test_without_its_state_the_optimizer_goes_elsewhere(tmp_path: Path, stack: str) -> None:
    whole = agent_of("legacy")
    expected = policies.train(whole, policies.adam(whole), range(6))
    agent = agent_of(stack)
    policies.train(agent, policies.adam(agent), range(3))
    migrate.save_policy(tmp_path / "p.safetensors", agent)
    agent = agent_of(stack, tmp_path / "p.safetensors")
    assert not policies.equal(policies.train(agent, policies.adam(agent), range(3, 6)), expected[3:])
    with pytest.raises(UnusableFileError, match="holds no optimizer state"):
        migrate.load_optimizer_state(tmp_path / "p.safetensors", agent)


@pytest.mark.parametrize("stack", ["legacy", "modules"])
def test_what_is_saved_is_a_file_that_the_tools_take(tmp_path: Path, stack: str) -> None:
    agent = agent_of(stack)
    optimizer = policies.adam(agent)
    policies.train(agent, optimizer, range(2))
    new, old = tmp_path / "p.safetensors", tmp_path / "old.pt"
    assert migrate.save_policy(new, agent, optimizer.state_dict(), trainer={"agent_step": 9, "epoch": 2}) == [new]
    assert main([str(new), "--to", "legacy", "-o", str(old), "--trainer-state", str(tmp_path / "t.pt")]) == 0
    assert torch.load(tmp_path / "t.pt")["agent_step"] == 9
    assert policies.same_policy(modules.load_agent(new), migrate.load_policy(old, "legacy"))
    written = migrate.save_policy(tmp_path / "q.pt", agent, optimizer.state_dict())
    assert written == [tmp_path / "q.pt", tmp_path / "trainer_state.pt"]
    assert main([str(written[0]), "--trainer-state", str(written[1])]) == 0
    assert policies.same_policy(agent, modules.load_agent(tmp_path / "q.safetensors"))


def test_a_migrated_policy_keeps_its_past_but_not_its_old_optimizer(tmp_path: Path, migrated: Path) -> None:
    agent = migrate.load_policy(migrated, "modules")
    path = tmp_path / "p.safetensors"
    migrate.save_policy(path, agent)
    assert modules.load_agent(path).provenance["migration"]["record"]["metadata"]["epoch"] == 7
    with pytest.raises(UnusableFileError, match="holds no optimizer state"):
        migrate.load_optimizer_state(path, agent)


def test_a_policy_and_its_optimizer_state_are_written_together_or_not_at_all(tmp_path: Path) -> None:
    agent = agent_of("modules")
    policy, trainer = tmp_path / "p.pt", tmp_path / "trainer_state.pt"
    trainer.mkdir()
    with pytest.raises(UsageError, match="cannot be written: Is a directory"):
        migrate.save_policy(policy, agent, policies.adam(agent).state_dict())
    assert list(tmp_path.iterdir()) == [trainer]


def test_an_agent_that_is_saved_alone_has_no_optimizer_state_of_before(tmp_path: Path) -> None:
    agent = agent_of("modules")
    sgd = torch.optim.SGD(agent.parameters(), lr=0.5)  # which has no tensors that could be missed
    (path,) = migrate.save_policy(tmp_path / "p.safetensors", agent, sgd.state_dict())
    modules.save_agent(migrate.load_policy(path, "modules"), tmp_path / "alone.safetensors")
    with pytest.raises(UnusableFileError, match="holds no optimizer state"):
        migrate.load_optimizer_state(tmp_path / "alone.safetensors", agent)


def record_in(path: Path) -> dict[str, Any]:
    """The attributes of the record in an old file."""
    root = migrate.archive.read_checkpoint(path).root
    assert isinstance(root, Record)
    return root.attributes


def test_a_record_says_what_is_so_now(tmp_path: Path, migrated: Path, caplog: pytest.LogCaptureFixture) -> None:
    agent, path = migrate.load_policy(migrated, "modules"), tmp_path / "model_0009.pt"
    migrate.save_policy(path, agent, metadata={"epoch": 9, "score": None})
    assert not caplog.records
    record = record_in(path)
    assert (record["metadata"]["epoch"], record["metadata"]["score"]) == (9, None)
    assert record["metadata"]["action_names"] == policies.ACTIONS[0]
    assert (record["name"], record["uri"]) == (str(path), f"file://{path}")


def test_a_record_of_the_migration_is_told(tmp_path: Path, migrated: Path, caplog: pytest.LogCaptureFixture) -> None:
    agent, path = migrate.load_policy(migrated, "modules"), tmp_path / "p.pt"
    migrate.save_policy(path, agent)
    assert record_in(path)["metadata"]["epoch"] == 7
    assert "the record says epoch, score as when the policy was migrated; give metadata= to say" in caplog.text


def test_metadata_go_into_the_record_of_an_agent_of_the_old_stack(tmp_path: Path) -> None:
    migrate.save_policy(tmp_path / "p.pt", agent_of("legacy"), metadata={"epoch": 9})
    assert record_in(tmp_path / "p.pt")["metadata"] == {"action_names": policies.ACTIONS[0], "epoch": 9}


def test_metadata_without_a_record_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"metadata stand in the record of a \.pt, and this file has none"):
        migrate.save_policy(tmp_path / "p.safetensors", agent_of("modules"), metadata={"epoch": 9})
    with pytest.raises(UnusableFileError, match="the metadata cannot be kept: a Tensor cannot"):
        migrate.save_policy(tmp_path / "p.pt", agent_of("modules"), metadata={"score": torch.ones(1)})
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_saved_is_refused_and_writes_nothing(tmp_path: Path) -> None:
    agent = agent_of("modules")
    with pytest.raises(UsageError, match=r"p\.bin: a policy is saved as \.safetensors or \.pt, got '\.bin'"):
        migrate.save_policy(tmp_path / "p.bin", agent)
    with pytest.raises(UsageError, match="trainer values without an optimizer state"):
        migrate.save_policy(tmp_path / "p.pt", agent, trainer={"epoch": 1})
    with pytest.raises(UsageError, match="not an agent of either stack: Linear"):
        migrate.save_policy(tmp_path / "p.pt", torch.nn.Linear(1, 1))
    with pytest.raises(UsageError, match=r"trainer_state\.pt is the name of the optimizer state"):
        migrate.save_policy(tmp_path / "trainer_state.pt", agent, policies.adam(agent).state_dict())
    other = torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))])
    with pytest.raises(UnusableFileError, match="the optimizer has 1 parameters, the policy 21"):
        migrate.save_policy(tmp_path / "p.pt", agent, other.state_dict())
    with pytest.raises(UnusableFileError, match="holds no state of a torch optimizer"):
        migrate.save_policy(tmp_path / "p.pt", agent, {"step": 1})
    state = torch.optim.Adam(agent.parameters()).state_dict()
    with pytest.raises(UnusableFileError, match="the trainer values cannot be kept: a Tensor cannot"):
        migrate.save_policy(tmp_path / "p.pt", agent, state, trainer={"rewards": torch.ones(1)})
    for stack in ("legacy", "modules"):
        broken = agent_of(stack)
        with torch.no_grad():
            next(broken.parameters()).fill_(float("nan"))
        with pytest.raises(UnusableFileError, match="hold NaN or Inf"):
            migrate.save_policy(tmp_path / "p.safetensors", broken)
    assert not list(tmp_path.iterdir())
    assert isinstance(agent_of("legacy"), legacy.MettaAgent)


def test_an_optimizer_state_without_tensors_is_not_kept_by_a_policy_that_is_saved_without_one(tmp_path: Path) -> None:
    agent = agent_of("modules")
    sgd = torch.optim.SGD(agent.parameters(), lr=0.5)
    path = tmp_path / "p.safetensors"
    migrate.save_policy(path, agent, sgd.state_dict())
    agent = migrate.load_policy(path, "modules")
    migrate.save_policy(path, agent)
    with pytest.raises(UnusableFileError, match="holds no optimizer state"):
        migrate.load_optimizer_state(path, agent)
