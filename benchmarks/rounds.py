"""Times sides in turns, so that whatever else the machine does hits all of them alike."""

from __future__ import annotations

import gc
import random
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

Pass = Callable[[], object]
Clock = Callable[[], float]
WARM_UP = 3


@dataclass(frozen=True)
class Effort:
    """How long to measure.

    Attributes:
        rounds: at least so many, each with its own ratio.
        seconds: of one side in one round, about.
        turn: seconds of one turn, at least; a round has as many turns as fit into `seconds`.
        turns: at least so many, however long a pass takes.
    """

    rounds: int = 25
    seconds: float = 0.06
    turn: float = 0.004
    turns: int = 3


QUICK = Effort(rounds=5, seconds=0.008, turn=0.002, turns=1)


def take_turns(
    sides: Mapping[str, Pass], effort: Effort, *, clock: Clock = time.process_time, seed: int = 0
) -> dict[str, list[float]]:
    """Seconds per pass of each side, round by round.

    In a round the sides take many short turns, each time in an order drawn anew, and a side's time is the median of its
    turns: so a disturbance spoils some turns, and a drift hits all sides. Garbage is collected between rounds.

    Args:
        sides: name -> one pass.
        effort: how long.
        clock: processor time, which does not run while other programs do; give `time.perf_counter` where threads wait
            for each other.
        seed: of the orders.
    """
    with _no_collection():
        return _take_turns(sides, effort, clock, random.Random(seed))  # noqa: S311 - no secret


def _take_turns(sides: Mapping[str, Pass], effort: Effort, clock: Clock, draw: random.Random) -> dict[str, list[float]]:
    repeats = {name: _repeats(each, effort.turn, clock) for name, each in sides.items()}
    longest = max(_time(each, repeats[name], clock) for name, each in sides.items())
    turns = max(effort.turns, round(effort.seconds / longest))
    order = list(sides)
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(effort.rounds):
        taken: dict[str, list[float]] = {name: [] for name in sides}
        for _ in range(turns):
            draw.shuffle(order)
            for name in order:
                taken[name].append(_time(sides[name], repeats[name], clock) / repeats[name])
        gc.collect()
        for name in order:
            seconds[name].append(statistics.median(taken[name]))
    return seconds


def _repeats(run: Pass, seconds: float, clock: Clock) -> int:
    """How many passes take so long; at least one."""
    for _ in range(WARM_UP):
        run()
    repeats = 1
    while (spent := _time(run, repeats, clock)) < seconds:
        repeats *= 2
    return max(1, round(repeats * seconds / spent))


def _time(run: Pass, repeats: int, clock: Clock) -> float:
    numbers = range(repeats)
    started = clock()
    for _ in numbers:
        run()
    return clock() - started


@contextmanager
def _no_collection() -> Iterator[None]:
    """No garbage is collected but where it is asked for, and then only what came to be meanwhile."""
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()
