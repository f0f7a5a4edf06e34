"""Policies of the old stack that many tests read and none changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from migrate.checkpoint import main
from tests.migrate import _policies as policies


@pytest.fixture(autouse=True)
def _own_generator() -> Any:
    """What a test draws does not reach the next one."""
    with torch.random.fork_rng(devices=[]):
        yield


@pytest.fixture(scope="session")
def _run(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A run of the old trainer: a trained policy, its trainer state, and the policy migrated with it."""
    folder = tmp_path_factory.mktemp("run")
    agent = policies.old_agent()
    optimizer = policies.adam(agent)
    policies.train(agent, optimizer, range(3))
    files = {
        "policy": policies.write_old(folder / "policy.pt", agent),
        "trainer": policies.write_trainer_state(folder / "trainer_state.pt", optimizer),
        "migrated": folder / "policy.safetensors",
    }
    assert main([str(files["policy"]), "--trainer-state", str(files["trainer"])]) == 0
    return files


@pytest.fixture
def policy(_run: dict[str, Path]) -> Path:
    """`policy.pt` of a short training with the old stack."""
    return _run["policy"]


@pytest.fixture
def trainer_state(_run: dict[str, Path]) -> Path:
    """`trainer_state.pt` of the same training."""
    return _run["trainer"]


@pytest.fixture
def migrated(_run: dict[str, Path]) -> Path:
    """The same policy in the new format, with the optimizer state."""
    return _run["migrated"]
