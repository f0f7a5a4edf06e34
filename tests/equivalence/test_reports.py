"""The files that a proof leaves behind: which, how they are written, and `result.json` with its schema."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from fnmatch import fnmatch
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

import equivalence
from equivalence.report import report_folder, write_reports, write_summary
from equivalence.report_json import SUMMARY_SCHEMA, plain, render_json
from equivalence.result import SCHEMA, ProofResult
from tests.equivalence._results import different, equal, inconclusive
from tests.equivalence._schema import violations

PACKAGE = Path(equivalence.__file__).parent
VERDICTS = pytest.mark.parametrize("make", [equal, different, inconclusive])
Make = Callable[[], ProofResult]


def schema() -> dict[str, Any]:
    content: dict[str, Any] = json.loads((PACKAGE / "result.schema.json").read_text(encoding="utf-8"))
    return content


def read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


@VERDICTS
def test_a_proof_leaves_three_files(make: Make, tmp_path: Path) -> None:
    written = write_reports(make(), tmp_path / "made" / "on demand")
    assert [path.name for path in written] == ["result.json", "junit.xml", "report.html"]
    assert sorted(written) == sorted((tmp_path / "made" / "on demand").iterdir())


@VERDICTS
def test_the_same_result_gives_the_same_bytes(make: Make, tmp_path: Path) -> None:
    first, second = (write_reports(make(), tmp_path / name) for name in ("first", "second"))
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_reports_replace_older_ones(tmp_path: Path) -> None:
    write_reports(different(), tmp_path)
    write_reports(equal(), tmp_path)
    assert read(tmp_path / "result.json")["verdict"] == "equal"
    assert len(list(tmp_path.iterdir())) == 3


def test_reports_are_written_together_or_not_at_all(tmp_path: Path) -> None:
    (tmp_path / "junit.xml").mkdir()
    with pytest.raises(OSError, match="junit"):
        write_reports(equal(), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["junit.xml"]


@VERDICTS
def test_results_are_as_their_schema_says(make: Make) -> None:
    assert list(violations(json.loads(render_json(make())), schema(), schema())) == []


def test_the_schema_is_of_the_version_that_results_name() -> None:
    assert schema()["properties"]["schema"]["const"] == SCHEMA


def test_the_schema_refuses_what_is_wrong() -> None:
    report = json.loads(render_json(different()))
    report["levels"][2]["differences"][0]["ulp"] = "many"
    report["components"][0]["parameters"] = True
    report["seconds"] = -1
    report["surprise"] = report.pop("policy")
    places = [violation.partition(":")[0] for violation in violations(report, schema(), schema())]
    assert places == ["$", "$.components[0].parameters", "$.levels[2].differences[0].ulp", "$.seconds", "$"]


def test_what_json_cannot_hold_becomes_text() -> None:
    values = {"nan": float("nan"), 1: float("-inf"), "path": Path("a") / "b", "set": {2, 1}, "pair": (1, None)}
    expected = {"nan": "nan", "1": "-inf", "path": str(Path("a") / "b"), "set": [1, 2], "pair": [1, None]}
    assert plain(MappingProxyType(values)) == expected


def test_a_file_name_that_is_no_text_can_be_reported(tmp_path: Path) -> None:
    result = equal()
    result.old = "policies/\udcff.pt"
    assert read(write_reports(result, tmp_path)[0])["old"] == result.old


def test_a_summary_has_a_row_and_a_folder_for_each_proof(tmp_path: Path) -> None:
    written = write_summary([equal(), different(), inconclusive()], tmp_path)
    assert [path.name for path in written[:3]] == ["summary.json", "junit.xml", "index.html"]
    assert all(path.is_file() for path in written)
    summary = read(written[0])
    assert summary["schema"] == SUMMARY_SCHEMA
    assert summary["verdicts"] == {"equal": 1, "different": 1, "inconclusive": 1}
    rows = [(row["verdict"], read(tmp_path / row["folder"] / "result.json")["verdict"]) for row in summary["proofs"]]
    assert rows == [("equal", "equal"), ("different", "different"), ("inconclusive", "inconclusive")]


def test_a_summary_of_nothing_can_be_written(tmp_path: Path) -> None:
    assert read(write_summary([], tmp_path)[0])["proofs"] == []


@pytest.mark.parametrize(
    ("old", "folder"),
    [
        ("configs/Simple Net.yaml", "008-simple-net"),
        ("../..", "008-proof"),
        ("a" * 300 + ".pt", "008-" + "a" * 40),
        ("<script>.pt", "008-script"),
    ],
)
def test_folders_are_plain_names(old: str, folder: str) -> None:
    result = equal()
    result.old = old
    assert report_folder(7, result) == folder


def test_every_data_file_of_the_package_is_declared() -> None:
    """An editable install has them anyway, so nothing else would notice."""
    project = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text(encoding="utf-8"))
    declared = project["tool"]["setuptools"]["package-data"]
    patterns = declared["*"] + declared.get("equivalence", [])
    files = [path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*") if path.is_file()]
    data = [name for name in files if not name.endswith((".py", ".pyc"))]
    assert [name for name in data if not any(fnmatch(name, pattern) for pattern in patterns)] == []
