from __future__ import annotations

import pytest

from migrate.eras import END, ORDER, STARTS, Era, below_root, is_range, just_before, name_at, named
from migrate.errors import UsageError


def test_eras_are_listed_in_order_of_their_first_commit() -> None:
    assert list(STARTS.values()) == sorted(STARTS.values())
    assert max(STARTS.values()) < END


@pytest.mark.parametrize(
    ("point", "day"),
    [
        ("E5a", "2025-05-29z"),
        ("2025-06-01", "2025-05-31z"),
        ("2025-06-04c", "2025-06-04b"),
        ("2025-06-04b", "2025-06-04a"),
        ("E2b", "2025-02-27a"),
    ],
)
def test_the_last_date_before_an_era_or_a_date(point: str, day: str) -> None:
    assert just_before(point) == day


def test_the_commits_of_one_day_have_an_order() -> None:
    days = ["2025-02-26z", "2025-02-27", "2025-02-27a", "2025-02-27b", "2025-02-28"]
    assert days == sorted(days)
    assert [name_at(day) for day in days] == ["E1", "E2a", "E2a", "E2b", "E2b"]


def test_an_era_by_its_name_is_its_last_day() -> None:
    era = Era("E4d")
    assert (era.name, era.date, era.earliest) == ("E4d", "2025-05-29z", "2025-05-29z")
    assert Era("E11").date == just_before(END)


@pytest.mark.parametrize("name", ORDER)
def test_the_last_day_of_an_era_lies_in_it(name: str) -> None:
    era = Era(name)
    assert name_at(era.date) == name
    assert era.is_since(name)
    assert [later for later in ORDER[ORDER.index(name) + 1 :] if era.is_since(later)] == []


def test_a_date_says_its_era() -> None:
    era = Era("2025-05-21")
    assert (era.name, era.date) == ("E4d", "2025-05-21")
    assert era.is_since("2025-05-21")
    assert not era.is_since("2025-05-22")


@pytest.mark.parametrize(
    ("name", "root", "agent", "record"),
    [
        ("E2c", "agent.lib.", "agent.metta_agent.MettaAgent", "agent.policy_store.PolicyRecord"),
        ("E3", "metta.agent.lib.", "metta.agent.metta_agent.MettaAgent", "metta.agent.policy_store.PolicyRecord"),
        ("E6b", "metta.agent.lib.", "metta.agent.metta_agent.MettaAgent", "metta.agent.policy_store.PolicyRecord"),
        ("E6c", "metta.agent.lib.", "metta.agent.metta_agent.MettaAgent", "metta.agent.policy_record.PolicyRecord"),
    ],
)
def test_where_the_classes_of_an_era_lived(name: str, root: str, agent: str, record: str) -> None:
    era = Era(name)
    assert (era.root, era.agent, era.record) == (root, agent, record)


@pytest.mark.parametrize(
    ("path", "below"),
    [
        ("agent.lib.lstm.LSTM", "lstm.LSTM"),
        ("metta.agent.lib.lstm.LSTM", "lstm.LSTM"),
        ("my.LSTM", "my.LSTM"),
    ],
)
def test_a_class_path_below_the_root_of_any_era(path: str, below: str) -> None:
    assert below_root(path) == below


@pytest.mark.parametrize("name", [*ORDER, "2025-06-04b", "2025-02-20", "2025-09-20"])
def test_an_era_may_be_named_by_its_name_or_by_a_date(name: str) -> None:
    era = named(name, "f")
    assert (era.name, era.date, era.evidence) == (Era(name).name, Era(name).date, ("named",))


def test_a_name_that_stands_for_several_eras_is_the_last_of_them() -> None:
    era = named("E5", "f")
    assert (era.name, era.date, era.earliest) == ("E5e", "2025-06-17z", "2025-05-30")
    assert [is_range(name) for name in ("E5", "E3", "E5a", "2025-06-10")] == [True, False, False, False]


@pytest.mark.parametrize(
    "name", ["E99", "e4d", "2025-02-19", "2025-09-21", "2024-06-01", "2025-6-1", "2025-06-45", "8ceb857", "", None]
)
def test_what_is_no_era_is_refused_with_the_names(name: object) -> None:
    with pytest.raises(
        UsageError,
        match=rf"^f: no era {name!r}\n  -> eras are E1, E2a, .*, E11, a date from .*, or the first 10 characters",
    ):
        named(name, "f")
