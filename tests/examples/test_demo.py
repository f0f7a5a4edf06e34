from __future__ import annotations

from pathlib import Path

import pytest

from examples import demo, make_policy
from migrate.archive import read_checkpoint
from migrate.old_policy import OldPolicy, read_old_policy
from migrate.optimizer import read_trainer_state

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_the_demo_runs_twice_and_gives_the_policy_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        assert demo.main() == 0
    back = tmp_path / demo.OUT / "policy.pt"
    assert back.read_bytes() == (EXAMPLES / "policy.pt").read_bytes()
    shown = capsys.readouterr().err
    assert "byte for byte the file it came from" in shown
    readme = (EXAMPLES.parent / "README.md").read_text(encoding="utf-8")
    table = [line.strip() for line in readme.splitlines() if line.startswith(("    │", "    ┃"))]
    assert len(table) > 3
    assert [line for line in table if line not in shown] == []


def test_the_example_policy_is_what_its_script_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "simple.yaml").write_bytes((EXAMPLES / "simple.yaml").read_bytes())
    monkeypatch.setattr(make_policy, "HERE", tmp_path)
    make_policy.main()
    # Not the bytes, which depend on torch's version and the processor; the proofs compare values.
    old, new = (read_old_policy(read_checkpoint(folder / "policy.pt")) for folder in (EXAMPLES, tmp_path))
    assert (new.config, new.agent, new.record, new.parameters) == (old.config, old.agent, old.record, old.parameters)
    assert _rows(new) == _rows(old)
    trainers = [read_checkpoint(folder / "trainer_state.pt") for folder in (EXAMPLES, tmp_path)]
    states = [read_trainer_state(trainer, old.parameters) for trainer in trainers]
    assert (states[0].groups, states[0].rest) == (states[1].groups, states[1].rest)


def _rows(policy: OldPolicy) -> object:
    return policy.components["_action_embeds_"].attributes["_reserved_action_embeds"]
