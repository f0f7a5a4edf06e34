"""Peak memory of one pass of each side."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

from torch._C._profiler import _EventType
from torch.profiler import ProfilerActivity, profile

from benchmarks.figure import Figure, exactly
from benchmarks.measure import Measure
from benchmarks.passes import INFERENCE, TRAINING, Workload, passes
from benchmarks.rounds import WARM_UP, Effort, Pass
from benchmarks.subjects import AGENTS, subject

WORKLOADS = (INFERENCE[-1], TRAINING)
RATIOS = (("exact", "by_hand"), ("exact", "old"), ("fast", "old"), ("tensordict", "by_hand"), ("old", "by_hand"))
QUIET = "6"
"""Above every level of Kineto's log, which would tell of each profile."""


def measures() -> Iterator[Measure]:
    """One per agent and workload."""
    for name in AGENTS:
        for workload in WORKLOADS:
            label = f"memory/{name}/{workload.name}"
            yield Measure(label, partial(measure, name, workload, label))


def measure(name: str, workload: Workload, prefix: str, _: Effort) -> list[Figure]:
    """Ratios of peaks. They do not vary from run to run, so there is one round."""
    peaks = {side: peak(each.run, each.forget) for side, each in passes(subject(name), workload).items()}
    figures = [exactly(f"{prefix}/{a}:{b}", peaks[a] / peaks[b], "ratio") for a, b in RATIOS]
    return [*figures, exactly(f"{prefix}/by_hand", peaks["by_hand"], "bytes")]


def peak(run: Pass, forget: Pass = lambda: None) -> int:
    """The most bytes that a pass holds at one time, beyond what was held before it.

    What counts is what torch's CPU allocator gives out while the pass runs, the results and, in training, what autograd
    saves and the gradients included: torch's profiler sees each block come and go. Weights and inputs were there before
    and do not count, nor does what is freed of earlier passes. Scratch space that MKL and oneDNN take from the system
    by themselves is not seen; it is that of the same kernels on all sides.

    Args:
        run: the pass.
        forget: drops what earlier passes left behind, such as gradients.
    """
    for _ in range(WARM_UP):
        run()
    forget()
    os.environ["KINETO_LOG_LEVEL"] = QUIET
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as recorded:
        result = run()
    del result
    kineto: Any = recorded.profiler
    events = [e for e in _flat(kineto.kineto_results.experimental_event_tree()) if e.tag == _EventType.Allocation]
    return highest((e.extra_fields.ptr, e.extra_fields.alloc_size) for e in sorted(events, key=_start))


def _start(event: Any) -> int:
    return int(event.start_time_ns)


def _flat(events: Iterable[Any]) -> Iterator[Any]:
    for event in events:
        yield event
        yield from _flat(event.children)


def highest(changes: Iterable[tuple[int, int]]) -> int:
    """The largest sum of blocks that are held at one time.

    Args:
        changes: address and size of each block that comes, or minus its size where it goes. A block that goes without
            having come is somebody else's.
    """
    held: dict[int, int] = {}
    total = most = 0
    for address, size in changes:
        if size > 0:
            held[address] = size
            total += size
            most = max(most, total)
        else:
            total -= held.pop(address, 0)
    return most
