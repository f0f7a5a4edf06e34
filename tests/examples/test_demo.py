from __future__ import annotations

from pathlib import Path

import pytest

from examples import demo, make_policy

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
    # Not the bytes, which depend on the versions of torch and numpy; what is in them is compared by the proofs.
    sizes = {name: (tmp_path / name).stat().st_size for name in ("policy.pt", "trainer_state.pt")}
    assert all(abs(size - (EXAMPLES / name).stat().st_size) < 4096 for name, size in sizes.items())
