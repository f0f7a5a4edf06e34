"""Reports that cannot be written are no difference between the stacks, and take nothing away."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

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


def test_a_difference_is_told_where_nothing_can_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (link := tmp_path / "proof").symlink_to(tmp_path / "gone")
    config = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    config["components"]["_value_"]["clip_scale"] = 0.5
    (other := tmp_path / "other.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    words = ["--level", "attributes", "--level", "training", "--no-controls", "--json", "--report", str(link)]
    code = main([str(CONFIG), str(other), *words])
    shown = capsys.readouterr()
    assert (code, "the reports cannot be written: " in shown.err) == (2, True)
    assert json.loads(shown.out)["verdict"] == "different"
