"""An old file that leaves its era open is read as of the one that the user names, by every command and call."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import migrate
from equivalence.__main__ import main as prove
from equivalence.hosts import host, subject, usual_setup
from equivalence.pairs import pair_of_files
from migrate import checkpoint
from migrate.saving import save_policy

STEM, KIND = "obs_token_to_box_shaper", "ObsTokenToBoxShaperE8"
DATE = "2025-08-07b"
"""Boxes were made of tokens in another way for some days of E8, and a file does not tell."""


@pytest.fixture(scope="module")
def agent() -> Any:
    """An old agent of that date."""
    return host(STEM, replace(usual_setup(STEM), era=DATE)).old


@pytest.fixture
def policy(agent: Any, tmp_path: Path) -> Path:
    file = tmp_path / "policy.pt"
    save_policy(file, agent)
    return file


def shaper_of(agent: Any) -> str:
    return type(agent.components[subject(STEM)]).__name__


def test_a_file_that_leaves_it_open_is_taken_for_the_youngest(policy: Path) -> None:
    assert shaper_of(migrate.load_policy(policy, "legacy")) == "ObsTokenToBoxShaper0808"


def test_it_is_loaded_as_told(policy: Path) -> None:
    assert shaper_of(migrate.load_policy(policy, "legacy", DATE)) == KIND
    new: Any = migrate.load_policy(policy, "modules", DATE)
    assert new.config["era"] == DATE


@pytest.mark.parametrize("stack", ["legacy", "modules"])
def test_a_config_that_names_it_says_it_of_the_checkpoint_too(policy: Path, stack: str) -> None:
    new: Any = migrate.load_policy(policy, "modules", DATE)
    built = migrate.build_agent({**new.config, "stack": stack}, new.environment, policy)
    assert (shaper_of(built) == KIND) if stack == "legacy" else (built.config["era"] == DATE)


def test_it_is_proved_as_it_was_migrated(policy: Path) -> None:
    new = policy.with_suffix(".safetensors")
    assert checkpoint.main([str(policy), "--era", DATE, "-o", str(new)]) == 0
    assert shaper_of(pair_of_files(policy, new).old) == KIND
    assert prove([str(policy), str(new), "--level", "forward", "--examples", "3"]) == 0


def test_it_is_proved_in_memory_as_told(policy: Path) -> None:
    assert shaper_of(pair_of_files(policy, era=DATE).old) == KIND
    assert prove([str(policy), "--era", DATE, "--level", "weights"]) == 0
