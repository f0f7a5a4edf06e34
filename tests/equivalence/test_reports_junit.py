"""`junit.xml`: what a CI server shows, and that it is green exactly for what was proved."""

from __future__ import annotations

from collections.abc import Callable
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from equivalence.report_junit import SHOWN, render_junit
from equivalence.result import EQUAL, LevelResult, ProofResult
from tests.equivalence._results import different, equal, inconclusive

Make = Callable[[], ProofResult]
ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()))


def suite_of(result: ProofResult) -> ET.Element:
    suite = ET.fromstring(render_junit([result])).find("testsuite")
    assert suite is not None
    return suite


def case_of(result: ProofResult, name: str) -> ET.Element:
    case = suite_of(result).find(f"testcase[@name='{name}']")
    assert case is not None
    return case


def outcome_of(result: ProofResult, name: str) -> tuple[str, str]:
    outcome = case_of(result, name)[0]
    return outcome.tag, outcome.get("message", "")


def without_levels() -> ProofResult:
    result = equal()
    result.levels = []
    return result


def all_skipped() -> ProofResult:
    result = equal()
    result.levels = [LevelResult(level.level, skipped="not for this pair") for level in result.levels]
    return result


def with_an_obstacle() -> ProofResult:
    result = equal()
    result.conditions = {"obstacles": ["4 threads"]}
    return result


@pytest.mark.parametrize("make", [equal, different, inconclusive, without_levels, all_skipped, with_an_obstacle])
def test_a_suite_is_green_exactly_where_the_verdict_is_equal(make: Make) -> None:
    result = make()
    suite = suite_of(result)
    red = suite.findall("testcase/failure") + suite.findall("testcase/error")
    assert (not red) == (result.verdict == EQUAL)


def test_each_level_is_a_case_of_the_old_file() -> None:
    cases = suite_of(equal()).findall("testcase")
    assert [case.get("name") for case in cases] == [level.level for level in equal().levels]
    assert {case.get("classname") for case in cases} == {"model_0100.pt"}
    assert [case.get("time") for case in cases][:2] == ["0.310", "1.310"]


def test_a_difference_is_a_failure_with_its_blame_and_how_to_see_it_again() -> None:
    tag, message = outcome_of(different(), "rollout")
    assert (tag, message) == ("failure", "9 differences, begins at _core_")
    text = case_of(different(), "rollout")[0].text or ""
    assert text.startswith("smallest input: Draw(batch=1,")
    assert "component _core_ (step 2): 32 of 32 values differ" in text
    assert text.endswith("bundle: equivalence-bundles/model_0100-4f1c")


def test_many_differences_are_cut_short() -> None:
    result = different()
    result.levels[2].differences *= 3
    text = case_of(result, "inference")[0].text or ""
    assert text.count("values differ") + text.count("shape (") == SHOWN
    assert "and 17 more" in text


@pytest.mark.parametrize(
    ("level", "tag", "message"),
    [
        ("inference", "error", "inference: the fault planted in actor_1 was not seen"),
        ("gradients", "error", "gradients: the fault planted in cnn1 was blamed on cnn2"),
        ("rollout", "error", "rollout: nothing was compared"),
        ("training", "skipped", "the policy has no trainer state"),
    ],
)
def test_what_proves_nothing_says_why(level: str, tag: str, message: str) -> None:
    assert outcome_of(inconclusive(), level) == (tag, message)


def test_an_obstacle_fails_a_case_of_its_own() -> None:
    assert outcome_of(with_an_obstacle(), "whole proof") == ("error", "4 threads")


def test_a_level_that_the_time_budget_left_out_is_a_skipped_case() -> None:
    result = equal()
    result.unfinished = ["config"]
    assert outcome_of(result, "config") == ("skipped", "the time budget left it out")


def test_conditions_are_properties() -> None:
    properties = {item.get("name"): item.get("value") for item in suite_of(inconclusive()).iter("property")}
    assert properties["conditions.environment.threads"] == "1"
    assert properties["conditions.obstacles"] == "the old side gives other bits when it runs twice"
    assert properties["policy"] == "bitwise"


def test_counts_are_those_of_the_cases() -> None:
    root = ET.fromstring(render_junit([equal(), different(), inconclusive()]))
    counts = [[each.get(key) for key in ("tests", "failures", "errors", "skipped")] for each in (*root, root)]
    assert counts == [["6", "0", "0", "0"], ["6", "3", "0", "0"], ["6", "0", "3", "1"], ["18", "3", "3", "1"]]


@given(ANY_TEXT)
def test_any_text_gives_well_formed_xml(text: str) -> None:
    result = different()
    result.old, result.reproduce = text, text
    result.conditions = {text: text, "obstacles": [text]}
    result.levels[2].blamed = text
    result.levels[3] = LevelResult(text, skipped=text)
    suite_of(result)


def test_text_keeps_all_that_xml_can_hold() -> None:
    result = equal()
    result.new = "a\x00\x1b[31m<b>&\u00e9\ud800\U0001f600\ufffe"
    assert suite_of(result).get("name") == "policies/model_0100.pt against a[31m<b>&\u00e9\ufffd\U0001f600\ufffd"
