from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from migrate.archive import read_checkpoint
from migrate.eras import END, start_of
from migrate.errors import UnusableFileError
from migrate.old_policy import read_old_policy
from migrate.recognise import (
    AGENT_ATTRIBUTES,
    CLASSES,
    CONTAINERS,
    TOLD,
    Clue,
    era_from,
    of_agent,
    of_classes,
    of_policy,
    of_root,
)
from migrate.registry import rules
from migrate.rule import ByEra
from tests.migrate import _eras as eras

AGENT = "metta.agent.metta_agent.MettaAgent"
LIB = "metta.agent.lib."


def test_a_clue_says_its_dates() -> None:
    assert str(Clue("the thing", "E4a")) == "the thing: since E4a (2025-05-01)"
    assert str(Clue("x", "2025-06-04b", "E6a")) == "x: since 2025-06-04b, before E6a (2025-06-18)"


@pytest.mark.parametrize("table", [CLASSES, AGENT_ATTRIBUTES, TOLD, CONTAINERS])
def test_whatever_a_clue_tells_of_existed_for_a_while(table: Mapping[str, Clue]) -> None:
    assert all(start_of(clue.since) < start_of(clue.before) <= END for clue in table.values())


def test_the_youngest_era_that_all_clues_allow_with_the_deciding_clues() -> None:
    clues = [Clue("a", "E3"), Clue("b", "E5a"), Clue("c", before="E8"), Clue("d", "E4a", "E6a")]
    era = era_from(clues, "f")
    assert (era.name, era.date, era.earliest) == ("E5e", "2025-06-17z", "2025-05-30")
    assert era.evidence == (
        "b: since E5a (2025-05-30)",
        "d: since E4a (2025-05-01), before E6a (2025-06-18)",
    )


def test_a_habit_decides_only_where_no_other_clue_contradicts_it() -> None:
    habit = Clue("a", before="E6a", habit=True)
    assert era_from([habit, Clue("b", "E4a")], "f").name == "E5e"
    assert era_from([habit, Clue("b", "E7a", "E8")], "f").evidence == (
        "b: since E7a (2025-07-02), before E8 (2025-08-07b)",
    )


def test_one_clue_may_decide_both_ends_and_is_said_once() -> None:
    assert era_from([Clue("x", "E4a", "E4b")], "f").evidence == ("x: since E4a (2025-05-01), before E4b (2025-05-10)",)


@pytest.mark.parametrize(("before", "date"), [("2025-06-04b", "2025-06-04a"), ("2025-06-04a", "2025-06-04")])
def test_a_span_within_one_day_stays_in_that_day(before: str, date: str) -> None:
    era = era_from([Clue("a", "2025-06-04"), Clue("b", before=before)], "f")
    assert (era.date, era.earliest) == (date, "2025-06-04")


def test_without_clues_a_file_may_be_of_any_time() -> None:
    era = era_from([], "f")
    assert (era.name, era.evidence, era.earliest) == ("E11", (), "2025-02-20")


@pytest.mark.parametrize("early", ["E5a", "2025-05-29b", "2025-05-30"])
def test_clues_that_contradict_each_other_are_refused_with_both_readings(early: str) -> None:
    with pytest.raises(UnusableFileError, match=r"its parts are of different eras: .*b.*; a: since E1") as caught:
        era_from([Clue("a", before=early), Clue("b", "E5a")], "f")
    assert "-> if you know the era, give --era NAME; none describes a run that went on" in str(caught.value)


@pytest.mark.parametrize(
    ("target", "since", "before"),
    [(AGENT, "E3", "E10"), ("agent.metta_agent.MettaAgent", "E1", "E3"), ("my.Agent", None, None)],
)
def test_the_root_of_the_agents_class(target: str, since: str | None, before: str | None) -> None:
    assert [(clue.since, clue.before) for clue in of_root(target)] == ([(since, before)] if since else [])


def test_a_class_that_came_and_went_tells_the_span() -> None:
    clues = list(of_classes({"obs": f"{LIB}obs_enc.ObsTokenCat"}))
    assert [str(clue) for clue in clues] == [
        f"component 'obs' is a {LIB}obs_enc.ObsTokenCat: since E5d (2025-06-09), before E6a (2025-06-18)",
        f"component 'obs' is a {LIB}obs_enc.ObsTokenCat: since E3 (2025-04-15)",
    ]


def test_a_class_of_ones_own_tells_nothing() -> None:
    assert list(of_classes({"mine": "my_lab.layers.Scale"})) == []


def test_a_class_below_the_first_root_is_older_than_e3() -> None:
    assert [clue.before for clue in of_classes({"x": "agent.lib.lstm.LSTM"})] == ["E3"]


@pytest.mark.parametrize(("attribute", "clue"), AGENT_ATTRIBUTES.items())
def test_an_attribute_of_the_agent_tells_its_time(attribute: str, clue: Clue) -> None:
    found = list(of_agent({attribute: None}, AGENT, "bare"))
    assert Clue(f"the agent has `{attribute}`", clue.since, clue.before) in found


@pytest.mark.parametrize(
    ("told", "reading"),
    [
        (None, "the agent does not keep what it told its components: since E1 (2025-02-20), before 2025-05-19"),
        ({}, "components were not told `feature_normalizations`: since E1 (2025-02-20), before E5b (2025-06-03)"),
        ({"num_objects": 3}, "components were told `num_objects`: since E1 (2025-02-20), before E5a (2025-05-30)"),
        (
            {"grid_features": []},
            "components were told `grid_features` without `num_objects`: since E5a (2025-05-30)",
        ),
        (
            {"feature_normalizations": {}},
            "components were not told `obs_width`: since E1 (2025-02-20), before E5d (2025-06-09)",
        ),
        ({"obs_width": 11}, "components were told `obs_width`: since E5d (2025-06-09)"),
    ],
)
def test_what_components_were_told_tells_the_time(told: dict[str, Any] | None, reading: str) -> None:
    assert reading in map(str, of_agent({"agent_attributes": told}, AGENT, "bare"))


@pytest.mark.parametrize(("kind", "clue"), CONTAINERS.items())
def test_what_an_agent_lay_in_tells_the_time(kind: str, clue: Clue) -> None:
    assert clue in list(of_agent({}, AGENT, kind))


@pytest.mark.parametrize(
    ("path", "since", "before"),
    [
        (None, "E1", "E9"),
        ("metta.agent.component_policy.ComponentPolicy", "E9", "E10"),
        ("my_lab.policies.Deep", "E9", END),
        ("metta.agent.component_policies.fast.Fast", "E10", END),
    ],
)
def test_the_class_of_the_policy_tells_the_time(path: str | None, since: str, before: str) -> None:
    assert [(clue.since, clue.before) for clue in of_policy(path)] == [(since, before)]


@pytest.mark.parametrize("stem", sorted(rules()))
def test_a_rule_has_versions_only_while_its_class_existed(stem: str) -> None:
    rule = rules()[stem]
    clue = CLASSES.get(rule.old, Clue(""))
    steps = [since for value in rule.fixed.values() if isinstance(value, ByEra) for since, _ in value.steps[1:]]
    points = [*(since for since, _ in rule.legacy[1:]), *steps]
    assert [point for point in points if not start_of(clue.since) < start_of(point) < start_of(clue.before)] == []


@pytest.mark.parametrize(
    ("date", "encoder", "earliest", "latest"),
    [
        ("2025-02-27", eras.from_box, "2025-02-27", "2025-02-27a"),
        ("2025-05-19", eras.from_box, "2025-05-19", "2025-05-29z"),
        ("2025-06-02", eras.from_box, "2025-06-02", "2025-06-02z"),
        ("2025-06-10", eras.from_token_box, "2025-06-09", "2025-06-15z"),
        ("2025-06-18", eras.from_late_tokens, "2025-06-18", "2025-06-25z"),
        ("2025-07-16", eras.from_token_box, "2025-07-09", "2025-08-07a"),
        ("2025-08-14", eras.from_token_box, "2025-08-13", "2025-08-18z"),
        ("2025-08-20", eras.from_token_box, "2025-08-19", "2025-09-01z"),
    ],
)
def test_all_that_a_file_tells_together_narrows_its_time(
    date: str, encoder: Any, earliest: str, latest: str, tmp_path: Path
) -> None:
    era = read_old_policy(read_checkpoint(eras.trained(date, encoder, steps=0).write(tmp_path)[0])).era
    assert (era.earliest, era.date) == (earliest, latest)
