"""Reports that cannot be written are no difference between the stacks."""

from __future__ import annotations

from pathlib import Path

import pytest

from equivalence import __main__ as command

CONFIG = Path(__file__).parents[2] / "examples" / "simple.yaml"


def test_reports_that_cannot_be_written_are_told_and_are_no_difference(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError("not here")

    monkeypatch.setattr(command, "write_reports", refuse)
    code = command.main([str(CONFIG), "--level", "weights", "--no-controls", "--report", str(tmp_path)])
    assert (code, "the reports cannot be written: not here" in capsys.readouterr().err) == (2, True)
