"""Times become figures: the statistics, and the turns that sides take."""

from __future__ import annotations

import itertools
import random

import pytest

from benchmarks.figure import Figure, exactly, median, quartiles, ratio
from benchmarks.page import above
from benchmarks.rounds import Effort, take_turns


class Machine:
    """A clock that runs as long as passes say, and a machine that may be slow for a while."""

    def __init__(self) -> None:
        self.now, self.slowness = 0.0, 1.0

    def clock(self) -> float:
        return self.now

    def work(self, seconds: float) -> None:
        self.now += seconds * self.slowness


def test_ratio_is_the_median_of_the_ratios_of_rounds_and_not_the_ratio_of_medians() -> None:
    figure = ratio("a:b", [2.0, 20.0, 3.0], [1.0, 10.0, 1.0])
    assert (figure.value, figure.low, figure.high, figure.rounds) == (2.0, 2.0, 2.5, 3)


def test_slow_rounds_do_not_change_a_ratio() -> None:
    draw = random.Random(0)
    slowness = [draw.uniform(1, 5) for _ in range(25)]
    figure = ratio("a:b", [1.1 * each for each in slowness], slowness)
    assert figure.value == pytest.approx(1.1)
    assert figure.high - figure.low == pytest.approx(0, abs=1e-12)


def test_sides_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        ratio("a:b", [1.0], [1.0, 2.0])


def test_quartiles() -> None:
    assert quartiles([4.0]) == (4.0, 4.0, 4.0)
    assert quartiles([1.0, 2.0, 3.0, 4.0, 5.0]) == (2.0, 3.0, 4.0)
    assert exactly("packages", 0, "packages").rounds == 1
    assert median("x", [1.0, 9.0, 2.0], "us").value == 2.0


def test_figures_are_written_to_five_digits() -> None:
    assert Figure("x", 1.23456789, 1.0, 2.0).to_dict()["value"] == 1.2346


def test_turns_find_the_ratio_on_a_machine_that_gets_slower_and_stumbles() -> None:
    machine, calls = Machine(), itertools.count()

    def run(seconds: float) -> None:
        machine.slowness = 1 + next(calls) / 5000
        machine.work(seconds * (10 if next(calls) % 37 == 0 else 1))

    sides = {"a": lambda: run(0.0012), "b": lambda: run(0.001)}
    seconds = take_turns(sides, Effort(rounds=25, seconds=0.06, turn=0.004), clock=machine.clock)
    assert [len(each) for each in seconds.values()] == [25, 25]
    assert ratio("a:b", seconds["a"], seconds["b"]).value == pytest.approx(1.2, rel=0.02)


def test_a_turn_is_as_long_as_asked_for_and_there_are_enough_turns() -> None:
    machine, counts = Machine(), {"short": 0, "long": 0}

    def run(name: str, seconds: float) -> None:
        counts[name] += 1
        machine.work(seconds)

    sides = {"short": lambda: run("short", 0.0001), "long": lambda: run("long", 3.0)}
    take_turns(sides, Effort(rounds=10, seconds=0.06, turn=0.004, turns=2), clock=machine.clock)
    assert counts["long"] == 2 * 10 + 5, "two turns in ten rounds, warming up, calibration"
    assert counts["short"] >= 2 * 10 * 40


def test_orders_differ_between_turns() -> None:
    machine, order = Machine(), list[str]()

    def run(name: str) -> None:
        order.append(name)
        machine.work(1.0)

    take_turns({name: (lambda name=name: run(name)) for name in "abc"}, Effort(rounds=20, turns=1), clock=machine.clock)  # type: ignore[misc]
    rounds = ["".join(order[start : start + 3]) for start in range(len(order) - 60, len(order), 3)]
    assert {"".join(sorted(each)) for each in rounds} == {"abc"}
    assert len(set(rounds)) > 3


@pytest.mark.parametrize(
    ("value", "limit", "text"), [(1.0503, 1.05, "1.0503"), (1.14, 1.05, "1.14"), (1.2049, 1.2, "1.205")]
)
def test_a_value_above_its_limit_has_the_digits_that_show_it(value: float, limit: float, text: str) -> None:
    assert above(Figure("speed/simple/batch_1/safe:exact", value, value, value), limit) == text
