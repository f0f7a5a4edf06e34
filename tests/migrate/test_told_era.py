"""An old file that leaves its era open is read as of the one that the user names, by every command and call."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

import migrate
from equivalence.__main__ import main as prove
from equivalence.hosts import host, subject, usual_setup
from equivalence.pairs import pair_of_files
from migrate import checkpoint
from migrate.errors import UnusableFileError, UsageError
from migrate.saving import save_policy
from modules.errors import MettaError

EXAMPLE = Path(__file__).parents[2] / "examples" / "simple.yaml"
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


@pytest.mark.parametrize("stack", ["legacy", "modules"])
def test_a_range_that_the_file_contradicts_is_refused_in_either_stack(policy: Path, stack: str) -> None:
    with pytest.raises(UnusableFileError, match=r"different eras: .*--era E5"):
        migrate.load_policy(policy, stack, "E5")


def test_it_is_proved_as_it_was_migrated(policy: Path) -> None:
    new = policy.with_suffix(".safetensors")
    assert checkpoint.main([str(policy), "--era", DATE, "-o", str(new)]) == 0
    assert shaper_of(pair_of_files(policy, new).old) == KIND
    assert prove([str(policy), str(new), "--level", "forward", "--examples", "3"]) == 0


def test_it_is_proved_in_memory_as_told(policy: Path) -> None:
    assert shaper_of(pair_of_files(policy, era=DATE).old) == KIND
    assert prove([str(policy), "--era", DATE, "--level", "weights"]) == 0


def test_a_config_that_says_its_era_is_not_proved_as_another(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "a.yaml"
    config.write_text(f"era: E4d\n{EXAMPLE.read_text(encoding='utf-8')}")
    assert prove([str(config), "--era", "E5d"]) == UsageError.exit_code
    told = capsys.readouterr().err.replace("\n", " ")
    assert "says that it is of the era E4d, and not E5d" in told
    assert config.name in told


@pytest.mark.parametrize("config", [{"agent": "${nope}"}, {"agent": {"era": "${nope}", "components": {}}}])
@pytest.mark.parametrize("loads", [False, True])
def test_an_agent_that_is_not_resolved_is_told_in_our_words(policy: Path, config: dict[str, Any], loads: bool) -> None:
    with pytest.raises(MettaError, match=r"not resolved|agent has no _target_"):
        migrate.build_agent(OmegaConf.create(config), {}, policy if loads else None)
