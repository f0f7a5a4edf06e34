from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path
from pickletools import genops

import pytest

from examples import demo
from migrate.archive import read_checkpoint
from migrate.old_policy import OldPolicy, read_old_policy
from migrate.trainer_state import read_trainer_state

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_the_demo_gives_the_policy_back_whatever_an_earlier_run_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    demo.OUT.mkdir(parents=True)
    for name in ("simple.modules.yaml", "policy.safetensors", "policy.pt"):
        (demo.OUT / name).write_bytes(b"left over")
    assert demo.main() == 0
    back = tmp_path / demo.OUT / "policy.pt"
    assert back.read_bytes() == (EXAMPLES / "policy.pt").read_bytes()
    shown = capsys.readouterr().err
    assert "byte for byte the file it came from" in shown
    readme = (EXAMPLES.parent / "README.md").read_text(encoding="utf-8")
    rows = [line.strip().rsplit("│", 2)[0] for line in readme.splitlines() if line.startswith("    │")]
    assert len(rows) > 3
    assert [row for row in rows if row not in shown] == []  # it depends on the processor which weight shows an ulp


WRITE = "import pathlib, sys; from examples import make_policy as m; m.HERE = pathlib.Path(sys.argv[1]); m.main()"


def test_the_example_policy_is_what_its_script_writes(tmp_path: Path) -> None:
    (tmp_path / "simple.yaml").write_bytes((EXAMPLES / "simple.yaml").read_bytes())
    # In a process of its own: a pickle says which strings were one object, which other imports change.
    subprocess.run([sys.executable, "-c", WRITE, str(tmp_path)], check=True, cwd=EXAMPLES.parent)
    # Not the bytes of tensors, which depend on torch's version and the processor; the proofs compare values.
    old, new = (read_old_policy(read_checkpoint(folder / "policy.pt")) for folder in (EXAMPLES, tmp_path))
    assert (new.config, new.agent, new.record, new.parameters) == (old.config, old.agent, old.record, old.parameters)
    assert _rows(new) == _rows(old)
    trainers = [read_checkpoint(folder / "trainer_state.pt") for folder in (EXAMPLES, tmp_path)]
    states = [read_trainer_state(trainer, old.parameters) for trainer in trainers]
    assert (states[0].groups, states[0].rest) == (states[1].groups, states[1].rest)
    for name in ("policy.pt", "trainer_state.pt"):
        assert _pickle(tmp_path / name) == _pickle(EXAMPLES / name)


def _pickle(path: Path) -> list[object]:
    """All of a checkpoint but the bytes of its tensors, and the limits that follow from these."""
    with zipfile.ZipFile(path) as archive:
        data = archive.read(next(name for name in archive.namelist() if name.endswith("/data.pkl")))
    return [(code.name, pytest.approx(arg) if code.name == "BINFLOAT" else arg) for code, arg, _ in genops(data)]


def _rows(policy: OldPolicy) -> object:
    return policy.components["_action_embeds_"].attributes["_reserved_action_embeds"]
