"""Many proofs at once: files, folders, random architectures."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from equivalence import tasks
from equivalence.architectures import Architecture
from equivalence.finding import Pair
from equivalence.harness import LEVELS
from equivalence.result import ProofResult
from equivalence.subjects import era_in_name, subjects
from equivalence.suite import main, parser, plan
from equivalence.tasks import ARCHITECTURE, Task, perform
from modules.errors import ConfigError

EXAMPLES = Path(__file__).parents[2] / "examples"
QUICK = ("--level", "forward", "--level", "weights", "--examples", "2", "--jobs", "1", "--no-controls")


def test_a_folder_is_searched_for_agents_and_policies(tmp_path: Path) -> None:
    for name in ("simple.yaml", "policy.pt", "trainer_state.pt"):
        shutil.copy(EXAMPLES / name, tmp_path)
    (tmp_path / "trainer.yaml").write_text("total_timesteps: 10\n")
    (tmp_path / "broken.yaml").write_text("components: [")
    (tmp_path / "notes.safetensors").write_bytes(b"no policy")
    assert [file.name for file in subjects([tmp_path])] == ["policy.pt", "simple.yaml"]


def test_slow_levels_are_tried_on_every_sixth_file_in_ci_and_on_all_at_night(tmp_path: Path) -> None:
    for number in range(7):
        shutil.copy(EXAMPLES / "simple.yaml", tmp_path / f"{number}.yaml")
    slow = {name for name, level in LEVELS.items() if level.slow}
    for profile, expected in {"ci": [True, *[False] * 5, True], "nightly": [True] * 7}.items():
        tasks = list(plan(parser().parse_args([str(tmp_path), "--profile", profile, "--architectures", "0"])))
        assert [slow <= set(task.levels) for task in tasks] == expected
        assert all(set(LEVELS) - slow <= set(task.levels) for task in tasks)


@pytest.mark.parametrize(
    ("path", "era"),
    [
        ("E5/fast.yaml", "E5"),
        ("configs/fast.yaml", None),
        ("E/fast.yaml", None),
        ("any/simple.4d0e9d06f3.yaml", "2025-03-06"),
    ],
)
def test_a_path_may_tell_the_era(path: str, era: str | None) -> None:
    assert era_in_name(Path(path)) == era


def test_a_suite_proves_files_and_random_agents(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = tmp_path / "report"
    words = [str(EXAMPLES / "simple.yaml"), "--architectures", "2", *QUICK, "--report", str(report), "--json"]
    assert main(words) == 0
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert (told["equal"], told["different"], told["refused"]) == (2, 0, {})
    assert (report / "index.html").exists()


def test_a_file_that_cannot_be_migrated_is_told_and_the_rest_is_proved(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (EXAMPLES / "simple.yaml").read_text()
    (tmp_path / "own.yaml").write_text(text.replace("nn_layer_library.Conv2d", "nobody.Knows", 1))
    shutil.copy(EXAMPLES / "simple.yaml", tmp_path)
    assert main([str(tmp_path), "--architectures", "0", *QUICK]) == 5
    told = capsys.readouterr().err.replace("\n", " ")
    assert "1 of 1 equal" in told
    assert "own.yaml" in told


def test_an_unsafe_file_counts_above_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.save(Path.cwd, tmp_path / "policy.pt")
    shutil.copy(EXAMPLES / "simple.yaml", tmp_path)
    assert main([str(tmp_path), "--architectures", "0", *QUICK]) == 3
    assert "1 of 1 equal" in capsys.readouterr().err.replace("\n", " ")


def test_what_reproduces_a_proof_says_the_era_that_the_path_told(tmp_path: Path) -> None:
    (tmp_path / "E5").mkdir()
    file = Path(shutil.copy(EXAMPLES / "simple.yaml", tmp_path / "E5/simple.yaml"))
    result = perform(Task(("weights",), 1, 3, None, controls=False, folder=tmp_path, file=file))
    assert isinstance(result, ProofResult)
    assert result.reproduce == f"python -m equivalence {file} --era E5 --examples 1 --seed 3"


def test_nothing_to_prove_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as caught:
        main([str(tmp_path), "--architectures", "0"])
    assert caught.value.code == 4


def test_our_own_examples_must_all_be_proved_whatever_real_configs_are_refused() -> None:
    makefile = (EXAMPLES.parent / "Makefile").read_text(encoding="utf-8")
    lines = [line for line in makefile.splitlines() if "suite examples" in line]
    assert len(lines) == 2  # `equivalence` and `nightly`
    assert not any("||" in line or "CONFIGS" in line for line in lines)


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every random agent has one weight off in the new stack."""
    build: Callable[[Architecture], Pair] = Architecture.build

    def off(architecture: Architecture) -> Pair:
        pair = build(architecture)
        with torch.no_grad():
            next(pair.new.parameters()).view(-1)[0] += 1
        return pair

    monkeypatch.setattr(Architecture, "build", off)
    monkeypatch.setattr(tasks, "SHRINKING", 0.0)


@pytest.mark.usefixtures("broken")
def test_a_random_agent_that_differs_is_kept_as_yaml(tmp_path: Path) -> None:
    task = Task(("weights",), 1, 0, None, controls=False, folder=tmp_path, architectures=3)
    result = perform(task)
    assert isinstance(result, ProofResult)
    assert result.verdict == "different"
    assert "_target_" in (tmp_path / ARCHITECTURE).read_text()


def test_a_random_agent_that_cannot_be_built_is_a_difference_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Architecture) -> Pair:
        raise ConfigError("component 'a': no")

    monkeypatch.setattr(Architecture, "build", refuse)
    monkeypatch.setattr(tasks, "SHRINKING", 0.0)
    result = perform(Task(("weights",), 1, 0, None, controls=False, folder=tmp_path, architectures=3))
    assert isinstance(result, ProofResult)
    assert result.verdict == "different"
    assert result.levels[0].differences[0].detail == "ConfigError: component 'a': no"
    assert (tmp_path / ARCHITECTURE).exists()


def test_an_error_that_nobody_expected_is_a_result_and_not_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise KeyError("what")

    monkeypatch.setattr(tasks, "prove_pair", fail)
    result = perform(Task(("weights",), 1, 0, None, controls=False, folder=tmp_path, file=EXAMPLES / "simple.yaml"))
    assert isinstance(result, ProofResult)
    assert (result.verdict, result.levels[0].differences[0].detail) == ("different", "KeyError: 'what'")
