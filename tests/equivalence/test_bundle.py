"""What a difference leaves behind reproduces it alone; and inputs may be a user's own."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from subprocess import run
from typing import Any

import pytest
import torch
import yaml
from safetensors.torch import save_file

from equivalence.__main__ import main
from equivalence.bundle import reproduce, write_bundle
from equivalence.finding import Pair
from equivalence.observations import read_observations
from equivalence.pairs import pair_of_files
from equivalence.proof import Run, prove
from equivalence.strategies import Draw
from migrate import checkpoint
from migrate.errors import UnusableFileError
from modules import load_agent
from modules.checkpoint import save_agent
from tests.migrate import _eras as eras

ROOT = Path(__file__).parents[2]
POLICY = ROOT / "examples" / "policy.pt"


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    """The migrated example, with one weight off by a little."""
    new = tmp_path / "policy.safetensors"
    checkpoint.main([str(POLICY), "-o", str(new)])
    agent = load_agent(new)
    agent.get_parameter("components.critic_1.weight").data[0, 0] += 1e-3
    save_agent(agent, new)
    return new


def proved(damaged: Path, *arguments: str) -> Path:
    report = damaged.parent / "report"
    words = [str(POLICY), str(damaged), "--report", str(report), "--examples", "5", *arguments]
    assert main(words) == 1
    return report / "bundle"


def test_the_script_of_a_bundle_reproduces_the_difference_alone(damaged: Path) -> None:
    bundle = proved(damaged, "--level", "inference")
    done = run([sys.executable, "reproduce.py"], cwd=bundle, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert "component critic_1:" in done.stdout


def test_a_bundle_holds_inputs_both_configs_and_both_policies(damaged: Path) -> None:
    bundle = proved(damaged, "--level", "gradients")
    names = {"inputs.safetensors", "old.pt", "new.safetensors", "old.yaml", "new.yaml", "case.json", "reproduce.py"}
    assert {path.name for path in bundle.iterdir()} == names
    case: dict[str, Any] = json.loads((bundle / "case.json").read_text())
    assert (case["level"], case["blamed"]) == ("gradients", "critic_1")
    assert "metta.agent" in yaml.safe_load((bundle / "old.yaml").read_text())["_target_"]


def test_a_bundle_is_run_on_its_own_inputs(damaged: Path) -> None:
    bundle = proved(damaged, "--level", "forward")
    kept = bundle / "inputs.safetensors"
    assert reproduce(bundle)
    kept.unlink()
    with pytest.raises(FileNotFoundError):
        reproduce(bundle)


def test_an_equal_proof_leaves_no_bundle(tmp_path: Path) -> None:
    assert main([str(POLICY), "--level", "forward", "--examples", "2", "--report", str(tmp_path)]) == 0
    assert {path.name for path in tmp_path.iterdir()} == {"result.json", "junit.xml", "report.html"}


def test_recorded_observations_are_what_is_tried(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recorded = torch.randint(0, 4, (7, 3, 11, 11, 24), dtype=torch.uint8)
    save_file({"obs": recorded}, tmp_path / "obs.safetensors")
    words = [str(POLICY), "--observations", str(tmp_path / "obs.safetensors"), "--examples", "3", "--level", "rollout"]
    assert main([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["verdict"] == "equal"


@pytest.fixture
def pair() -> Pair:
    return pair_of_files(POLICY)


def test_each_row_of_a_rollout_goes_on_with_its_next_recorded_observation(pair: Pair) -> None:
    from equivalence.strategies import Draw, Inputs

    recorded = torch.arange(10, dtype=torch.uint8).view(10, 1, 1, 1).expand(10, 11, 11, 24)
    inputs = Inputs(Draw(3, 2, "recorded", "none", train=False, seed=1), pair.sizes, recorded)
    first, second = (inputs.step_obs(step)[:, 0, 0, 0].long() for step in (0, 1))
    assert torch.equal((first + 1) % 10, second)


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({"obs": torch.zeros(5, 3)}, "this agent's observations are [N, 11, 11, 24]"),
        ({"a": torch.zeros(1), "b": torch.zeros(1)}, "holds no observations, but a, b"),
    ],
)
def test_other_recordings_are_refused(
    pair: Pair, tmp_path: Path, tensors: dict[str, torch.Tensor], message: str
) -> None:
    file = tmp_path / "obs.safetensors"
    save_file(tensors, file)
    with pytest.raises(UnusableFileError) as caught:
        read_observations(file, pair.sizes)
    assert message in str(caught.value)
    assert str(file) in str(caught.value)


def test_a_budget_leaves_every_level_its_share(pair: Pair) -> None:
    import time

    run_ = Run(10_000, deadline=time.monotonic() + 2)
    results = prove(pair, levels=["forward", "gradients", "rollout"], run=run_)
    assert all(1 <= result.examples < 10_000 for result in results)
    assert all(result.equal for result in results)


def test_a_bundle_is_read_as_of_the_era_of_its_proof(tmp_path: Path) -> None:
    old, _ = eras.trained("2025-05-10", eras.from_box).write(tmp_path)
    new = tmp_path / "policy.safetensors"
    assert checkpoint.main([str(old), "-o", str(new), "--era", "E4b"]) == 0
    pair = pair_of_files(old, new)
    (result,) = prove(pair, levels=["forward"], run=Run(2))
    assert result.equal
    write_bundle(tmp_path / "bundle", pair, replace(result, failing=Draw(5, 2, "uniform", "none", train=False, seed=0)))
    assert reproduce(tmp_path / "bundle") == []
