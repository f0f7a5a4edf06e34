"""What the container itself costs, with components that compute nothing, and how that grows with their number."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from functools import partial

import torch
from tensordict import TensorDict
from tensordict.nn import TensorDictModule, TensorDictSequential
from torch import Tensor, nn

from benchmarks.figure import Figure, median, ratio
from benchmarks.measure import Measure
from benchmarks.rounds import Effort, Pass, take_turns
from modules import ComponentContainer, MettaModule

MICRO = 1e6
COUNTS = (10, 100, 1000)
LAST = "last"


class Nothing(MettaModule):
    """Any tensor -> the same tensor."""

    def compute(self, x: Tensor) -> Tensor:
        """Returns its input."""
        return x


def measures() -> Iterator[Measure]:
    """Overhead and growth."""
    for count in COUNTS:
        label = f"container/{count}_components"
        yield Measure(label, partial(measure, count, label))
    yield Measure("container/growth", grow)
    yield Measure("container/building", build)


def chain(count: int) -> list[Nothing]:
    """Modules, each of which reads what the one before it wrote."""
    keys = ["x", *(f"x{i}" for i in range(1, count)), LAST]
    return [Nothing([keys[i]], [keys[i + 1]]) for i in range(count)]


def container_of(modules: Sequence[nn.Module]) -> ComponentContainer:
    """A container of modules with numbers for names."""
    container = ComponentContainer()
    for i, module in enumerate(modules):
        container.register_component(f"c{i}", module)
    return container


def measure(count: int, prefix: str, effort: Effort) -> list[Figure]:
    """Microseconds per component beyond calling every `compute` in a loop; a `TensorDictSequential` beside it."""
    modules = chain(count)
    seconds = take_turns(_sides(modules), effort)
    bare = seconds.pop("straight")
    return [
        median(f"{prefix}/{side}", [MICRO * (a - b) / count for a, b in zip(each, bare, strict=True)], "us")
        for side, each in seconds.items()
    ]


def _sides(modules: Sequence[Nothing]) -> dict[str, Pass]:
    x, container = torch.zeros(1), container_of(modules)
    computes = [module.compute for module in modules]
    layers = [TensorDictModule(nn.Identity(), list(each.in_keys), list(each.out_keys)) for each in modules]
    sequence = TensorDictSequential(*layers)

    def straight() -> None:
        y = x
        for compute in computes:
            y = compute(y)

    return {
        "straight": straight,
        "container": lambda: container.execute({"x": x}, outputs=(LAST,)),
        "container_keeping_all": lambda: container.execute({"x": x}),
        "tensordict": lambda: sequence(TensorDict({"x": x}, batch_size=[])),
    }


def grow(effort: Effort) -> list[Figure]:
    """Time per component of containers of different sizes, as ratios."""
    containers = {count: container_of(chain(count)) for count in COUNTS}
    x = torch.zeros(1)
    runs = {str(n): partial(_run, each, x) for n, each in containers.items()}
    seconds = {name: [each / int(name) for each in spent] for name, spent in take_turns(runs, effort).items()}
    few, some, many = map(str, COUNTS)
    pairs = ((some, few), (many, some))
    return [ratio(f"container/growth/{a}:{b}", seconds[a], seconds[b]) for a, b in pairs]


def _run(container: ComponentContainer, x: Tensor) -> None:
    container.execute({"x": x}, outputs=(LAST,))


def build(effort: Effort) -> list[Figure]:
    """Time to register components and to run them for the first time, per component; and whether it grows with them."""
    spent: dict[int, list[float]] = {count: [] for count in COUNTS}
    for _ in range(effort.rounds):
        for count in COUNTS:
            modules = chain(count)
            started = time.process_time()
            container_of(modules).execute({"x": torch.zeros(1)}, outputs=(LAST,))
            spent[count].append(MICRO * (time.process_time() - started) / count)
    prefix, (few, some, many) = "container/building", COUNTS
    return [
        *(median(f"{prefix}/{count}_components", values, "us") for count, values in spent.items()),
        ratio(f"{prefix}/{some}:{few}", spent[some], spent[few]),
        ratio(f"{prefix}/{many}:{some}", spent[many], spent[some]),
    ]
