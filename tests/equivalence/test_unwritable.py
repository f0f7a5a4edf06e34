"""Reports that cannot be written are no difference between the stacks, and take nothing away."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from equivalence.__main__ import main

CONFIG = Path(__file__).parents[2] / "examples" / "simple.yaml"


def test_reports_that_cannot_be_written_are_told_and_are_no_difference(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (link := tmp_path / "proof").symlink_to(tmp_path / "gone")
    code = main([str(CONFIG), "--level", "weights", "--no-controls", "--json", "--report", str(link)])
    shown = capsys.readouterr()
    assert (code, "the reports cannot be written: " in shown.err) == (2, True)
    assert json.loads(shown.out)["verdict"] == "equal"
