"""Times of whole agents, side by side: the old stack, the new one, by hand, as a `TensorDictSequential`, wrapped."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial

from benchmarks.figure import Figure, median, ratio
from benchmarks.measure import Measure
from benchmarks.passes import WORKLOADS, Side, Workload, passes, side_of
from benchmarks.rounds import Effort, take_turns
from benchmarks.subjects import AGENTS, subject, wrapped
from modules.wrappers import SafeModule

RATIOS = (("exact", "by_hand"), ("exact", "old"), ("fast", "old"), ("old", "by_hand"))
ONE_THREAD = (("tensordict", "by_hand"), ("safe", "exact"))
"""Ratios besides, of sides that differ by how Python is used, which more threads say nothing about."""


def measures(*, threads: int = 1) -> Iterator[Measure]:
    """One per agent and workload.

    Args:
        threads: of torch; with several of them, what counts is the time on the clock.
    """
    prefix = "speed" if threads == 1 else f"speed_{threads}_threads"
    for name in AGENTS:
        for workload in WORKLOADS:
            label = f"{prefix}/{name}/{workload.name}"
            yield Measure(label, partial(measure, name, workload, label, threads))


def measure(name: str, workload: Workload, prefix: str, threads: int, effort: Effort) -> list[Figure]:
    """Ratios of all sides, and what a hand-written pass takes."""
    sides = _sides(name, workload, threads)
    clock = time.process_time if threads == 1 else time.perf_counter
    seconds = take_turns({side: each.run for side, each in sides.items()}, effort, clock=clock)
    pairs = [(a, b) for a, b in (*RATIOS, *ONE_THREAD) if a in sides]
    figures = [ratio(f"{prefix}/{a}:{b}", seconds[a], seconds[b]) for a, b in pairs]
    return [*figures, median(f"{prefix}/by_hand", [1e6 * each for each in seconds["by_hand"]], "us")]


def _sides(name: str, workload: Workload, threads: int) -> dict[str, Side]:
    agent = subject(name)
    sides = passes(agent, workload)
    if threads > 1:
        del sides["tensordict"]
    elif not workload.time:
        sides["safe"] = side_of(wrapped(agent.exact, SafeModule), agent, workload)
    return sides
