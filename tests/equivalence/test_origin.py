"""`restored`: what a migrated file gives back of the files that it was made from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from equivalence.pairs import pair_of_files
from equivalence.proof import Run, prove
from migrate.checkpoint import main
from modules.policy_file import PolicyFile, read_policy_file
from tests.equivalence.conftest import EXAMPLES
from tests.migrate import _policies as policies

Change = Callable[[PolicyFile], object]


def ulp(content: PolicyFile) -> None:
    name = next(name for name in content.tensors if name.endswith(".exp_avg"))
    first = content.tensors[name].view(-1)[:1]
    first.copy_(torch.nextafter(first, torch.tensor(9.0)))


def reverse(content: PolicyFile) -> None:
    content.extra["migration"]["parameters"].reverse()


def damage(content: PolicyFile) -> None:
    content.tensors["old.policy"][-1] ^= 1


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """An old policy, and the new one that was made from it and from its trainer state."""
    folder = tmp_path_factory.mktemp("run")
    agent = policies.old_agent()
    optimizer = policies.adam(agent)
    policies.train(agent, optimizer, [0])
    old = policies.write_old(folder / "policy.pt", agent)
    trainer = policies.write_trainer_state(folder / "trainer_state.pt", optimizer)
    assert main([str(old), "--trainer-state", str(trainer)]) == 0
    return old, old.with_suffix(".safetensors")


def differences(old: Path, new: Path) -> list[str]:
    (result,) = prove(pair_of_files(old, new), levels=["attributes"], run=Run(1, controls=False))
    return [f"{found.place} {found.name}" for found in result.differences]


def test_a_file_gives_back_what_it_was_made_from(files: tuple[Path, Path]) -> None:
    names = [name for _, name in pair_of_files(*files).besides]
    assert names == ["the order of parameters", "the old policy file", "the old trainer file"]
    assert differences(*files) == []


@pytest.mark.parametrize(
    ("change", "name"),
    [(ulp, "the old trainer file"), (reverse, "the order of parameters"), (damage, "the old policy file")],
)
def test_what_no_agent_holds_is_compared(files: tuple[Path, Path], tmp_path: Path, change: Change, name: str) -> None:
    content = read_policy_file(files[1])
    change(content)
    changed = tmp_path / "changed.safetensors"
    changed.write_bytes(content.to_bytes())
    assert differences(files[0], changed) == [f"file {name}"]


def test_a_file_that_was_made_from_another_one_promises_nothing(files: tuple[Path, Path]) -> None:
    assert pair_of_files(files[0]).besides == pair_of_files(files[1]).besides == {}
    assert pair_of_files(EXAMPLES / "policy.pt").besides == {}
