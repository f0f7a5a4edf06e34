"""What the command shows to people."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from equivalence.report_terminal import show
from equivalence.result import LevelResult, ProofResult
from tests.equivalence._results import different, equal, inconclusive


def shown(result: ProofResult, *reports: Path, width: int = 80) -> str:
    console = Console(file=StringIO(), width=width, highlight=False)
    show(result, console, reports)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def row(result: ProofResult, level: str) -> list[str]:
    line = next(line for line in shown(result, width=120).splitlines() if line.startswith(f"\u2502 {level} "))
    return [cell.strip() for cell in line.strip("\u2502").split("\u2502")]


def test_a_level_has_a_row_with_its_verdict_and_its_control() -> None:
    assert row(equal(), "rollout") == ["rollout", "25", "2400", "bitwise equal", "named critic_1"]
    assert shown(equal()).count("bitwise equal") == 6


def test_the_verdict_says_what_it_rests_on() -> None:
    assert (
        "Every one of 12345 compared tensors was equal to the last bit; with one weight moved by one ulp, each level "
        "noticed and named the right component." in shown(equal())
    )


def test_the_verdict_says_how_far_each_weight_was_moved() -> None:
    result = equal()
    for level in result.levels[2:]:
        assert level.control
        level.control.moved = "by a tenth"
    assert "with one weight moved by one ulp or by a tenth, each level noticed" in shown(result)


def test_without_controls_the_verdict_says_so() -> None:
    result = equal()
    for level in result.levels:
        level.control = None
    assert "No negative control was run, so nothing shows that a fault would be seen." in shown(result)
    assert row(result, "rollout")[-1] == "not run"


def test_controls_of_some_levels_are_counted() -> None:
    result = equal()
    result.levels[1].control = None
    assert "5 of 6 levels noticed" in shown(result)


def test_the_verdict_speaks_for_no_level_that_was_skipped() -> None:
    result = equal()
    result.levels[5] = LevelResult("training", skipped="is compared bit by bit only")
    assert "each of the 5 levels that ran noticed" in shown(result)


def test_a_difference_is_shown_with_its_smallest_input_and_its_place_on_both_sides() -> None:
    text = shown(different())
    assert "inference differs, smallest input: Draw(batch=1, time=1" in text
    assert "  > _core_ (LSTMModule) was LSTM, reads merged\n" in text
    assert "  ~ actor_1 (LinearModule) was Linear, reads core_relu\n" in text
    assert "    merged (ConcatMergeModule) was ConcatMerge, reads encoded_obs, center_pixels\n" in text
    assert "The difference begins at _core_ (LSTM \u2192 LSTMModule)." in text


def test_differences_are_shown_up_to_five() -> None:
    first = shown(different()).partition("rollout differs")[0]
    assert first.count("values differ, by up to") == 5
    assert "  component _core_: 32 of 32 values differ, by up to 41297 ulp" in first
    assert "  and 4 more\n" in first


def test_the_graph_is_drawn_once_for_each_blamed_component() -> None:
    text = shown(different())
    assert text.count("obs_normalizer (ObservationNormalizerModule)") == 1
    assert text.count("> _core_ (LSTMModule)") == 3


def test_a_difference_without_an_input_or_a_component_is_shown_alone() -> None:
    result = different()
    result.levels[2].failing = result.levels[2].blamed = None
    assert "inference differs\n  component _core_:" in shown(result)


@pytest.mark.parametrize(
    ("level", "cells"),
    [
        ("inference", ["600", "control failed", "not seen in actor_1"]),
        ("rollout", ["0", "nothing was compared", "not run"]),
        ("gradients", ["1200", "control failed", "blamed cnn2, not cnn1"]),
        ("training", ["0", "skipped", ""]),
    ],
)
def test_what_proves_nothing_is_never_called_equal(level: str, cells: list[str]) -> None:
    assert row(inconclusive(), level)[2:] == cells


@pytest.mark.parametrize(
    "words",
    [
        "inference: the fault planted in actor_1 was not seen (actor_1.bias[3] moved by one ulp, 25 inputs)",
        "rollout: 25 passes fail on both sides",
        "training was skipped: the policy has no trainer state",
        "Nothing differed in 1921 compared tensors, but this does not prove that both sides are equal.",
        "the old side gives other bits when it runs twice",
        "The time budget left out or cut short: gradients.",
    ],
)
def test_what_is_missing_from_a_proof_is_said(words: str) -> None:
    assert words in shown(inconclusive())


def test_the_oracle_speaks_of_noise_and_error_where_it_judges_and_of_bits_where_it_does_not() -> None:
    result = equal()
    result.policy = "oracle"
    result.levels[2].ratio, result.levels[2].ties = 0.9871, 2
    text = shown(result)
    assert row(result, "inference")[3] == "within the noise"
    assert row(result, "weights")[3] == "bitwise equal"
    assert "inference: 2 ties; error 0.987 of the old one" in text
    assert "was as close to the float64 oracle as the old stack's own error allows" in text


def test_conditions_bundle_and_reports_come_last() -> None:
    lines = shown(different(), Path("proof/result.json"), Path("proof/report.html")).splitlines()
    assert lines[-3].startswith("16 components; environment: torch 2.13.0+cpu, python 3.11.9,")
    assert lines[-3].endswith("; noise: compared 96, differing 0, ulp 0")
    assert lines[-2] == "to see it again: equivalence-bundles/model_0100-4f1c"
    assert lines[-1] == f"reports: {Path('proof/result.json')}, {Path('proof/report.html')}"


@given(st.text(st.characters(codec=None, exclude_categories=())))
def test_no_name_styles_the_output_or_moves_the_cursor(text: str) -> None:
    result = different()
    result.old = result.bundle = f"\x1b]0;title\x07[red]{text}[/red]"
    result.levels[3].level = text
    output = shown(result)
    assert "[red]" in output
    assert not set(output) & {chr(code) for code in (*range(9), *range(11, 32), 0x7F, *range(0x80, 0xA0))}
