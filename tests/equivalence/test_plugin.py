"""The suite in a user's own repository, run as they would run it."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from subprocess import run
from typing import Any, cast

import pytest

from equivalence.harness import LEVELS
from equivalence.pytest_plugin import ProofItem, UnequalError
from equivalence.result import Control, LevelResult
from migrate import config

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Somebody's repository, with one line of settings."""
    (tmp_path / "pytest.ini").write_text("[pytest]\nequivalence_files = configs\nequivalence_examples = 2\n")
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "trainer.yaml").write_text("total_timesteps: 10\n")
    (tmp_path / "test_own.py").write_text("def test_own():\n    pass\n")
    return tmp_path


def outcome(repository: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:xdist", *arguments]
    done = run(command, cwd=repository, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def test_one_line_proves_each_config_level_by_level(repository: Path) -> None:
    shutil.copy(EXAMPLES / "simple.yaml", repository / "configs")
    told = outcome(repository, "-v")
    assert f"{len(LEVELS) + 1} passed" in told
    assert "configs/simple.yaml::gradients" in told.replace("\\", "/")


def test_a_config_that_became_something_else_fails_and_says_where(repository: Path) -> None:
    new = repository / "configs" / "new.yaml"
    config.main([str(EXAMPLES / "simple.yaml"), "-o", str(new)])
    new.write_text(new.read_text().replace("_target_: modules.layers.relu.ReLUModule", "_target_: nowhere.ReLU", 1))
    told = outcome(repository)
    assert "nowhere.ReLU" in told
    assert "Traceback" not in told


def test_naming_a_test_runs_that_alone(repository: Path) -> None:
    shutil.copy(EXAMPLES / "simple.yaml", repository / "configs")
    assert "1 passed" in outcome(repository, "test_own.py")


@pytest.mark.parametrize("place", [".", "tests"])
def test_naming_a_folder_of_tests_leaves_no_proof_out(repository: Path, place: str) -> None:
    shutil.copy(EXAMPLES / "simple.yaml", repository / "configs")
    (repository / "tests").mkdir()
    told = outcome(repository, place, "--collect-only")
    assert "simple.yaml" in told
    assert "gradients" in told


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--config-dir=.", "unrecognized arguments: --config-dir=."),  # which is for our own tests alone
        ("--equivalence-seed=99999999999999999999999", "argument --equivalence-seed: must be below"),
    ],
)
def test_an_option_that_is_not_ours_and_a_number_that_does_not_fit_are_refused(
    repository: Path, option: str, message: str
) -> None:
    assert message in outcome(repository, option)


def test_a_control_that_was_blamed_elsewhere_is_not_said_to_be_unseen() -> None:
    control = Control("critic_1.weight[3]", "critic_1", found=True, blamed="actor_1", examples=1)
    with pytest.raises(UnequalError) as caught:
        raise UnequalError(LevelResult("forward", examples=2, compared=10, control=control))
    told = ProofItem.repr_failure(cast(Any, None), caught)
    assert told == "forward: the fault planted in critic_1 was blamed on actor_1"


def test_a_folder_that_is_not_there_is_an_error_not_a_silence(repository: Path) -> None:
    shutil.rmtree(repository / "configs")
    assert "configs is not there" in outcome(repository)
