"""The command: its page, its JSON, its exit codes, and measures that are quick enough to run here."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import __main__ as command
from benchmarks import building, overhead, page, parallel
from benchmarks.figure import Figure, exactly, median
from benchmarks.layout import SECTIONS
from benchmarks.measure import Measure
from benchmarks.result import SCHEMA, Result, environment
from benchmarks.rounds import QUICK, Effort

ONCE = Effort(rounds=1, seconds=0.001, turn=0.0005, turns=1)
FIGURES = (
    median("speed/simple/batch_1/exact:by_hand", [1.008, 1.02, 1.21]),
    median("speed/simple/batch_1/exact:old", [0.8, 0.9, 0.94]),
    median("speed/simple/batch_1/by_hand", [410.0, 412.2, 500.2], "us"),
    exactly("import/modules/packages", 0, "packages"),
)
RESULT = Result({"torch": "2.x", "threads": 1, "cores": 2}, QUICK, FIGURES)


def test_page_shows_figures_with_spread_promise_and_verdict() -> None:
    text = page.render(RESULT)
    assert (
        "| simple, 1 | 1.02 (1.01 to 1.11), ≤ 1.05 ✓ | **0.90** (0.85 to 0.92), not ≤ 0.7 ✗ | 412 (411 to 456) |"
        in text
    )
    assert "**2 of 3 promises are kept.** These are not:\n\n- `speed/simple/batch_1/exact:old`: 0.90, not 0.7" in text
    assert "median over 5 rounds" in text
    assert "torch 2.x" in text


def test_page_has_no_tables_without_figures() -> None:
    text = page.render(RESULT)
    assert [line for line in text.splitlines() if line.startswith("## ")] == ["## Whole agents", "## Import"]
    assert "simple_big" not in text.split("## ")[1].split("\n\n")[-2]


def test_page_says_when_all_is_well() -> None:
    text = page.render(Result({}, QUICK, FIGURES[:1]))
    assert "**1 of 1 promises are kept.**\n" in text
    assert "These are not" not in text


def test_every_figure_of_every_measure_has_its_place_on_the_page() -> None:
    shown = {f"{row}/{column}" for section in SECTIONS for _, row in section.rows for _, column in section.columns}
    rows = {row for section in SECTIONS for _, row in section.rows}
    for measure in command.EVERY:
        assert any(row == measure.name or row.startswith(f"{measure.name}/") for row in rows), measure.name
    assert len(shown) == sum(len(section.rows) * len(section.columns) for section in SECTIONS)


def test_json_goes_there_and_back() -> None:
    again = Result.from_json(RESULT.to_json())
    assert page.render(again) == page.render(RESULT)
    content = json.loads(RESULT.to_json())
    assert content["schema"] == SCHEMA
    assert [each.get("met") for each in content["figures"]] == [True, False, None, True]


def test_another_schema_is_refused() -> None:
    with pytest.raises(ValueError, match="not a result of benchmarks/1: its schema is 'other/3'; measure again"):
        Result.from_json('{"schema": "other/3"}')
    with pytest.raises(ValueError, match="its schema is None"):
        Result.from_json("[]")


def test_environment_names_no_machine() -> None:
    facts = environment()
    assert facts["torch"]
    assert not any("/" in str(value) for value in facts.values())


@pytest.fixture(name="measured")
def _measured(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """Makes the command measure one thing, which gives these figures."""
    figures = [FIGURES[1]]
    monkeypatch.setattr(command, "EVERY", (Measure("speed/simple/batch_1", lambda _: list(figures)),))
    return figures


def test_command_writes_json_and_ends_with_0(measured: list[Figure], tmp_path: Path) -> None:
    file = tmp_path / "result.json"
    assert command.main(["--quick", "--json", str(file)]) == 0
    content = json.loads(file.read_text(encoding="utf-8"))
    assert content["figures"] == [{**measured[0].to_dict(), "limit": 0.7, "met": False}]


@pytest.mark.usefixtures("measured")
def test_a_written_file_whose_name_looks_like_markup_is_shown_as_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["--quick", "--json", str(tmp_path / "[bold].json")]) == 0
    assert "written [bold].json" in capsys.readouterr().err


def test_a_file_that_is_not_there_is_shown_as_it_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--from", "[bold].json"]) == 2
    assert "[bold].json" in capsys.readouterr().err


def test_gate_ends_with_1_where_a_bound_is_missed_twice(
    measured: list[Figure], capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["--quick", "--gate", "--only", "speed/*"]) == 1
    told = capsys.readouterr().err
    assert "1 figures miss their bounds: measuring these once more" in told
    assert "missed, twice" in told
    assert "0 of 1 promises are kept" in told
    measured[:] = [exactly("speed/simple/batch_1/exact:old", 0.5, "ratio")]
    assert command.main(["--quick", "--gate", "--only", "speed/*"]) == 0


def test_gate_of_a_whole_run_wants_a_figure_for_every_promise(
    measured: list[Figure], capsys: pytest.CaptureFixture[str]
) -> None:
    measured[:] = [exactly("speed/simple/batch_1/exact:old", 0.5, "ratio")]
    assert command.main(["--quick", "--gate"]) == 1
    assert "not measured import/modules/packages" in capsys.readouterr().err


def test_docs_are_written_from_a_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "DOCS", tmp_path / "performance.md")
    file = tmp_path / "result.json"
    file.write_text(RESULT.to_json(), encoding="utf-8")
    assert command.main(["--from", str(file), "--docs"]) == 0
    assert (tmp_path / "performance.md").read_text(encoding="utf-8") == page.render(RESULT)
    assert (tmp_path / "performance.json").read_text(encoding="utf-8") == RESULT.to_json()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--docs", "--quick"], "--docs is for a whole run: leave --quick and --only out"),
        (["--only", "nothing/*"], "--only 'nothing/*' is no measure; see --list"),
    ],
)
def test_wrong_usage(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="4"):
        command.main(arguments)
    assert message in capsys.readouterr().err


def test_a_file_that_is_no_result_ends_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "other.json"
    file.write_text("[]", encoding="utf-8")
    assert command.main(["--from", str(file)]) == 2
    assert command.main(["--from", str(tmp_path / "absent.json")]) == 2
    assert "not a result of benchmarks/1" in capsys.readouterr().err


def test_list_prints_names(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--list"]) == 0
    assert "memory/simple/training\n" in capsys.readouterr().out


def test_committed_page_is_that_of_the_committed_figures() -> None:
    figures = command.DOCS.with_suffix(".json")
    if not figures.is_file():
        pytest.skip("nothing was measured yet: make bench")
    result = Result.from_json(figures.read_text(encoding="utf-8"))
    assert command.DOCS.read_text(encoding="utf-8") == page.render(result)


def test_container_is_cheaper_than_a_sequence_of_tensordict() -> None:
    figures = {each.name: each.value for each in overhead.measure(50, "container", QUICK)}
    assert figures["container/container"] < figures["container/tensordict"]


def test_branches_compute_the_same_in_parallel() -> None:
    figures = parallel.measure_branches(8, "branches", ONCE)
    assert [figure.name for figure in figures] == ["branches/parallel:sequential", "branches/sequential"]


def test_import_brings_no_other_package() -> None:
    packages, spent = building.measure_import(ONCE)
    assert (packages.value, packages.note) == (0, "")
    assert spent.value > 0


def test_build_times_both_stacks() -> None:
    names = [figure.name for figure in building.measure("simple", "build/simple", ONCE)]
    assert names == ["build/simple/exact:old", "build/simple/exact", "build/simple/old"]
