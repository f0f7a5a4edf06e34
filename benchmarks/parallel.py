"""Where `ParallelDAGExecutor` helps: whole agents, and graphs of heavy branches side by side."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor

from benchmarks.figure import Figure, median, ratio
from benchmarks.measure import Measure
from benchmarks.passes import INFERENCE, Workload, side_of
from benchmarks.rounds import Effort, Pass, take_turns
from benchmarks.subjects import AGENTS, in_other_words, subject
from modules import ComponentContainer, MettaModule
from modules.executors import ParallelDAGExecutor

WORKERS = 2
BRANCHES = 4
SIZES = (64, 512, 2048)
"""Widths of the branches: the wider, the more there is to do between two hand-overs."""
STEPS = 4
BATCH = 64


class Branch(MettaModule):
    """`[N, size]` -> `[N, size]` through some matrix products."""

    def __init__(self, size: int, in_keys: tuple[str, ...], out_keys: tuple[str, ...]) -> None:
        super().__init__(in_keys, out_keys)
        self.weight = torch.nn.Parameter(torch.eye(size))

    def compute(self, x: Tensor) -> Tensor:
        """`[N, size]` -> `[N, size]`."""
        for _ in range(STEPS):
            x = x @ self.weight
        return x


class Sum(MettaModule):
    """Tensors of one shape -> their sum."""

    def compute(self, *inputs: Tensor) -> Tensor:
        """Adds its inputs up."""
        return torch.stack(inputs).sum(0)


def measures() -> Iterator[Measure]:
    """Agents, then branches."""
    for name in AGENTS:
        for workload in INFERENCE:
            label = f"parallel/{name}/{workload.name}"
            yield Measure(label, partial(measure_agent, name, workload, label))
    for size in SIZES:
        label = f"parallel/branches/width_{size}"
        yield Measure(label, partial(measure_branches, size, label))


def measure_agent(name: str, workload: Workload, prefix: str, effort: Effort) -> list[Figure]:
    """The same agent with `execution: parallel` and without."""
    agent = subject(name)
    parallel = in_other_words(agent.exact, execution="parallel")
    sides = {"parallel": parallel, "sequential": agent.exact}
    return _compare(prefix, effort, {key: side_of(each, agent, workload).run for key, each in sides.items()})


def measure_branches(size: int, prefix: str, effort: Effort) -> list[Figure]:
    """Some branches that read one input, and a sum of what they write."""
    container, run_parallel = branches(size), ParallelDAGExecutor(max_workers=WORKERS)
    x = torch.ones(BATCH, size)
    sides = {
        "parallel": lambda: run_parallel(container, {"x": x}, outputs=("sum",)),
        "sequential": lambda: container.execute({"x": x}, outputs=("sum",)),
    }
    return _compare(prefix, effort, {key: torch.no_grad()(each) for key, each in sides.items()})


def branches(size: int) -> ComponentContainer:
    """A container of `BRANCHES` branches and their sum."""
    container = ComponentContainer()
    keys = tuple(f"branch{i}" for i in range(BRANCHES))
    for key in keys:
        container.register_component(key, Branch(size, ("x",), (key,)))
    container.register_component("sum", Sum(keys, ("sum",)))
    return container


def _compare(prefix: str, effort: Effort, sides: dict[str, Pass]) -> list[Figure]:
    """On the clock: processor time would count both threads."""
    seconds = take_turns(sides, effort, clock=time.perf_counter)
    return [
        ratio(f"{prefix}/parallel:sequential", seconds["parallel"], seconds["sequential"]),
        median(f"{prefix}/sequential", [1e6 * each for each in seconds["sequential"]], "us"),
    ]
