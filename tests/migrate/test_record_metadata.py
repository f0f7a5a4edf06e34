"""What a policy's record says besides the agent: no reason to refuse it, and nothing that changes its type."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import migrate
from migrate.archive import read_checkpoint
from migrate.checkpoint import main
from migrate.json_values import from_json
from migrate.pickle_writer import save_record
from migrate.plain import plain
from migrate.to_legacy import record_of
from modules.policy_file import read_policy_file
from tests.migrate._eras import Policy, from_box
from tests.traps import _late as late


@dataclass
class Summary:
    """A class of the trainer's that this project does not know."""

    score: float = 0.5


def written(policy: Policy, metadata: dict[str, Any], path: Path) -> Path:
    """The policy with more in its metadata."""
    record = record_of(policy.agent, policy.era, "run", "file://run/m.pt", {"epoch": 3, **metadata}, "run/m.pt")
    path.write_bytes(save_record(record, policy.era, policy.config))
    return path


def metadata_of(path: Path) -> Any:
    return plain(read_checkpoint(path).root.attributes["metadata"])


@pytest.mark.parametrize(
    "value", [{("nav", "maze"): 0.5}, {3: "three"}, ("a", 1), [(1, 2)], {"scores": {0: (1,)}}, None], ids=repr
)
def test_a_value_keeps_its_type_in_a_file_that_is_written_anew(value: Any, tmp_path: Path) -> None:
    policy = late.made("2025-05-22", from_box)
    path = written(policy, {"evals": value}, tmp_path / "policy.pt")
    agent = migrate.load_policy(path, "modules")
    agent.activate_actions(["jump"], [0])
    back = migrate.save_policy(tmp_path / "back.pt", agent)[0]
    assert repr(metadata_of(back)["evals"]) == repr(value)
    assert metadata_of(back)["epoch"] == 3


@pytest.mark.parametrize("value", [torch.ones(2), Summary(), {"last": Summary()}, [Summary()]], ids=repr)
def test_a_value_that_cannot_be_said_is_told_and_comes_back_with_the_file(
    value: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(
        late.made("2025-05-22", from_box), {"evals": value, "score": np.float32(0.5)}, tmp_path / "policy.pt"
    )
    assert main([str(path)]) == 0
    told = "".join(capsys.readouterr().err.split())
    assert "oftherecord,metadata['evals']" in told
    assert "onlytheoldfileitselfkeepsit" in told
    new = path.with_suffix(".safetensors")
    assert main([str(new), "--to", "legacy", "-o", str(tmp_path / "back.pt")]) == 0
    assert (tmp_path / "back.pt").read_bytes() == path.read_bytes()
    assert migrate.load_policy(new, "modules").provenance["migration"]["record"]["metadata"]["score"] == 0.5


def test_the_same_goes_for_what_a_trainer_state_says_besides(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    policy = late.made("2025-05-22", from_box)
    path, trainer = policy.write(tmp_path)
    extras = {"seen": {3: (0.5,)}, "scores": {("nav", "maze"): 1}}
    torch.save({**torch.load(trainer, weights_only=True), **extras, "clock": {"last": Summary()}}, trainer)
    assert main([str(path), "--trainer-state", str(trainer)]) == 0
    assert "clock['last']:aninstanceof" in "".join(capsys.readouterr().err.split())
    content = read_policy_file(path.with_suffix(".safetensors"))
    rest = from_json(content.extra["trainer"]["rest"])
    written = migrate.save_policy(tmp_path / "back.pt", policy.agent, policy.optimizer.state_dict(), trainer=rest)
    saved = torch.load(written[-1], weights_only=True)
    assert {key: saved[key] for key in ("seen", "scores", "clock")} == {**extras, "clock": {}}


def test_an_object_of_the_trainers_on_the_agent_is_told_and_comes_back_with_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    policy = late.made("2025-05-22", from_box)
    policy.agent.summary = Summary()
    path, back = policy.write(tmp_path)[0], tmp_path / "back.pt"
    assert main([str(path)]) == 0
    assert "oftheagent,summary:notavalue;onlytheoldfileitselfkeepsit" in "".join(capsys.readouterr().err.split())
    assert main([str(path.with_suffix(".safetensors")), "--to", "legacy", "-o", str(back)]) == 0
    assert back.read_bytes() == path.read_bytes()


def test_nothing_is_told_of_a_record_that_can_be_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(written(late.made("2025-05-22", from_box), {}, tmp_path / "policy.pt"))]) == 0
    assert "only the old file itself keeps it" not in " ".join(capsys.readouterr().err.split())
