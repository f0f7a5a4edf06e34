"""Each of the 62 traps of the old stack has its test, or a reason why it needs none, and docs/traps.md says which."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
PAGE = FOLDER.parent.parent / "docs" / "traps.md"
TEST = re.compile(r"^def (test_trap_(\d\d)_\w+)\(", re.MULTILINE)
ROW = re.compile(r"^\| (\d\d) \|.*\| ([^|]+) \|$", re.MULTILINE)


def names_for(number: int) -> list[str]:
    """Names of the tests of a trap."""
    files = sorted(FOLDER.glob("test_*.py"))
    return [name for file in files for name, its in TEST.findall(file.read_text()) if int(its) == number]


def rows_of(number: int) -> list[str]:
    """What the page says in the last column of a trap's row: the test, or why there is none."""
    text = PAGE.read_text() if PAGE.exists() else ""
    return [last.strip("` ") for its, last in ROW.findall(text) if int(its) == number]


@pytest.mark.parametrize("number", range(1, 63))
def test_a_trap_has_one_test_or_a_reason_why_it_has_none(number: int) -> None:
    tests, rows = names_for(number), rows_of(number)
    assert len(rows) == 1, f"docs/traps.md needs one row that begins with `| {number:02} |`"
    if tests:
        assert tests == rows
    else:
        assert len(rows[0].split()) > 2, "say why there is no test"


def test_no_test_is_of_a_trap_that_does_not_exist() -> None:
    text = "".join(file.read_text() for file in FOLDER.glob("test_*.py"))
    assert {int(number) for _, number in TEST.findall(text)} <= set(range(1, 63))
