"""Verdicts, and the one retry of what missed."""

from __future__ import annotations

import pytest

from benchmarks import bounds, gate
from benchmarks.bounds import BOUNDS, bound_of, verdicts, without_figure
from benchmarks.figure import Figure, exactly
from benchmarks.measure import Measure
from benchmarks.rounds import QUICK, Effort

SLOW, MEMORY = "speed/simple/batch_1", "memory/simple/batch_1024"
OVER, UNDER = f"{SLOW}/exact:by_hand", f"{SLOW}/exact:old"


class Fake:
    """A measure whose runs give what is said beforehand."""

    def __init__(self, name: str, *runs: dict[str, float]) -> None:
        self.runs, self.count = runs, 0
        self.measure = Measure(name, self.run)

    def run(self, _: Effort) -> list[Figure]:
        values = self.runs[self.count]
        self.count += 1
        return [exactly(f"{self.measure.name}/{key}", value, "ratio") for key, value in values.items()]


def by_name(figures: list[Figure]) -> dict[str, float]:
    return {figure.name: figure.value for figure in figures}


def test_a_bound_is_inclusive() -> None:
    met = [verdict.met for value in (1.0499, 1.05, 1.0501) for verdict in verdicts([exactly(OVER, value, "ratio")])]
    assert met == [True, True, False]


def test_figures_without_bound_are_not_judged() -> None:
    assert bound_of(f"{SLOW}/tensordict:by_hand") is None
    assert verdicts([exactly(f"{SLOW}/by_hand", 1e9, "us")]) == []


def test_batch_1_is_not_batch_1024() -> None:
    one, many = bound_of(OVER), bound_of("speed/simple/batch_1024/exact:by_hand")
    assert one is not None
    assert many is not None
    assert (one.limit, many.limit) == (1.05, 1.02)


def test_two_threads_are_not_judged() -> None:
    assert bound_of(f"speed_2_threads/{OVER.partition('/')[2]}") is None


def test_a_promise_without_figure_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted, other = bounds.Bound("a/*", 1, "one"), bounds.Bound("b/*", 1, "two")
    monkeypatch.setattr(bounds, "BOUNDS", (wanted, other))
    assert without_figure([exactly("a/x", 1, "ratio")]) == [other]


def test_every_bound_is_for_a_measure_that_exists() -> None:
    from benchmarks.__main__ import EVERY

    names = [measure.name for measure in EVERY]
    assert len(names) == len(set(names))
    columns = {bound.pattern.rpartition("/")[2] for bound in BOUNDS}
    assert without_figure([exactly(f"{name}/{column}", 0, "ratio") for name in names for column in columns]) == []


def test_only_what_missed_is_measured_again_and_only_that_is_replaced() -> None:
    slow = Fake(SLOW, {"exact:by_hand": 1.2, "exact:old": 0.6}, {"exact:by_hand": 1.01, "exact:old": 0.9})
    small = Fake(MEMORY, {"exact:by_hand": 0.9})
    measures = [slow.measure, small.measure]
    first = gate.run(measures, QUICK)
    assert gate.missed(first) == {OVER}
    second = gate.retry(measures, first, QUICK)
    assert (slow.count, small.count) == (2, 1)
    assert by_name(second) == {OVER: 1.01, UNDER: 0.6, f"{MEMORY}/exact:by_hand": 0.9}
    assert gate.missed(second) == set()


def test_what_misses_twice_is_missed() -> None:
    slow = Fake(SLOW, {"exact:by_hand": 1.2}, {"exact:by_hand": 1.1})
    figures = gate.retry([slow.measure], gate.run([slow.measure], QUICK), QUICK)
    assert by_name(figures) == {OVER: 1.1}
    assert gate.missed(figures) == {OVER}


def test_nothing_is_measured_again_where_nothing_missed() -> None:
    slow = Fake(SLOW, {"exact:by_hand": 1.0})
    figures = gate.run([slow.measure], QUICK)
    assert gate.retry([slow.measure], figures, QUICK) == figures
    assert slow.count == 1


def test_a_watcher_is_told_of_each_measure() -> None:
    told: list[str] = []
    fakes = [Fake(SLOW, {}), Fake(MEMORY, {})]
    gate.run([fake.measure for fake in fakes], QUICK, lambda measure: told.append(measure.name))
    assert told == [SLOW, MEMORY]
