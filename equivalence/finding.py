"""A pair of agents, one pass on both, and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, cast

import torch
from torch import Tensor, nn

from equivalence.compare import Difference, difference
from equivalence.strategies import AgentSizes
from equivalence.tensors import Held, HeldAttribute, Twin, component_of, held_attributes
from equivalence.tracing import Trace

STEP = ", step "
"""Stands in the name of a record between what was computed and the step at which it was."""
Record = dict[tuple[str, str], tuple[Tensor, Tensor]]
"""Place and name -> what the old and the new side have there."""
_record: ContextVar[Record | None] = ContextVar("record", default=None)
tamper: ContextVar[Callable[[nn.Module], None] | None] = ContextVar("tamper", default=None)
"""What a negative control does to a new agent that a level builds by itself."""


@contextmanager
def recording() -> Iterator[Record]:
    """Findings made inside keep the tensors that they are given, and judge nothing."""
    record: Record = {}
    token = _record.set(record)
    try:
        yield record
    finally:
        _record.reset(token)


@dataclass(frozen=True)
class Pair:
    """An agent of each stack for one policy.

    Attributes:
        old: the legacy agent.
        new: the new one.
        names: new parameter name -> old one.
        sizes: what inputs must fit.
        modes: whether each was in training mode when the pair was made; proofs change it.
        around: what the new side's passes run in.
        graph: component name -> the components that it reads, in execution order; from the new agent if not given.
        is_of_one_stack: whether both are agents of one stack, which are not taken apart.
        old_config: the config of the old side, in the words of either stack; None where nobody kept it.
        besides: what no agent shows, of its files or of how it was built: (place, name) -> old value, new value.
    """

    old: nn.Module
    new: nn.Module
    names: Mapping[str, str]
    sizes: AgentSizes
    modes: tuple[bool, bool] = (True, True)
    around: Callable[[], AbstractContextManager[Any]] = nullcontext
    graph: Mapping[str, Sequence[str]] | None = None
    is_of_one_stack: bool = False
    old_config: Mapping[str, Any] | None = None
    besides: Mapping[tuple[str, str], tuple[str, str]] = field(default_factory=dict)

    @cached_property
    def sources(self) -> Mapping[str, Sequence[str]]:
        """Component name -> the components that it reads, in execution order."""
        if self.graph is not None:
            return self.graph
        components = cast(Any, self.new).components
        graph = components.execution_graph
        return {name: graph[name] for name in components.order()}

    @cached_property
    def order(self) -> list[str]:
        """Component names in execution order."""
        return list(self.sources)

    @cached_property
    def parameters(self) -> list[Twin]:
        """Every parameter on both sides, those that backward reaches first in front; asking modules costs more."""
        new = {self.names[name]: (p, component_of(name)) for name, p in self.new.named_parameters()}
        old = dict(self.old.named_parameters())
        rows = [Twin(name, p, *new.pop(name, (None, None))) for name, p in reversed(old.items())]
        return rows + [Twin(name, None, p, owner) for name, (p, owner) in new.items()]

    @cached_property
    def attributes(self) -> list[HeldAttribute]:
        """What components keep besides parameters and buffers, by their rules, on both sides, as it is now."""
        return [row for agent in (self.old, self.new) for row in held_attributes(agent)]

    @cached_property
    def buffers(self) -> list[Held]:
        """Every buffer on both sides, as it is now."""
        old = dict(self.old.named_buffers(remove_duplicate=False))
        rows = []
        for name, mine in self.new.named_buffers():
            theirs = old.get(self.names.get(name, ""))
            if theirs is not None:
                rows.append(Held(self.names[name], component_of(name), (theirs, mine)))
        return rows

    def hold_state(self) -> None:
        """Takes the present buffers and attributes for those that `restore_state` puts back."""
        for held in ("buffers", "attributes"):
            vars(self).pop(held, None)
        _ = self.buffers, self.attributes

    def restore_state(self) -> None:
        """Puts back what passes changed, such as running statistics, which a NaN would spoil for good."""
        for buffer in self.buffers:
            buffer.restore()
        for attribute in self.attributes:
            attribute.restore()

    def drop_gradients(self) -> None:
        """Sets the gradient of every parameter to None."""
        for row in self.parameters:
            for parameter in (row.old, row.new):
                if parameter is not None:
                    parameter.grad = None


@dataclass
class Finding:
    """What one level found on one input.

    Attributes:
        compared: how many tensors were compared.
        failed_alike: passes that failed on both sides, in which nothing was compared.
        failure: what the first of them raised.
        differences: those that differ.
        ran: per pass, the components whose outputs were compared.
        steps: largest difference in ulp per step, for levels that have some.
        step: what differences found now belong to.
    """

    compared: int = 0
    failed_alike: int = 0
    failure: str | None = None
    differences: list[Difference] = field(default_factory=list)
    ran: list[Iterable[str]] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)
    step: int | None = None
    _kept: Record | None = field(default_factory=_record.get)

    def check(
        self,
        place: str,
        name: str,
        old: Tensor | None,
        new: Tensor | None,
        *,
        strides: bool = True,
        component: str | None = None,
    ) -> None:
        """Compares two tensors; `component` is whose they are, where the name does not say it."""
        self.compared += 1
        if self._kept is not None and old is not None and new is not None:
            self._kept[place, name if self.step is None else f"{name}{STEP}{self.step}"] = (old, new)
            return
        found = difference(place, name, old, new, strides=strides)
        if found is not None:
            self.differences.append(replace(found, step=self.step, component=component))

    def compare_values(self, place: str, name: str, old: object, new: object, *, component: str | None = None) -> None:
        """Compares two plain values."""
        self.compared += 1
        if old != new:
            detail = f"{old!r} became {new!r}"
            self.differences.append(Difference(place, name, detail, step=self.step, component=component))

    def check_all(self, place: str, old: Mapping[str, Tensor], new: Mapping[str, Tensor], order: Sequence[str]) -> None:
        """Compares two sets of tensors, in an order that puts causes before effects."""
        for name in [*order, *sorted({*old, *new} - set(order))]:
            if name in old or name in new:
                owner = name if place == "component" else None
                self.check(place, name, old.get(name), new.get(name), component=owner)
        if place == "component":
            self.ran.append(old)

    def fail_alike(self, error: Exception | str) -> None:
        """Notes a pass that failed on both sides, and what the old one raised."""
        self.failed_alike += 1
        self.failure = self.failure or (error if isinstance(error, str) else f"{type(error).__name__}: {error}")

    def end_step(self, before: int) -> None:
        """Notes how far the sides are apart in this step, of whose differences the first is number `before`."""
        self.steps.append(max((found.ulp or 1 for found in self.differences[before:]), default=0))


def both(
    finding: Finding, pair: Pair, run: Callable[[nn.Module], Trace], seed: int | None
) -> tuple[Trace, Trace] | None:
    """Runs one pass on both sides from the same generator state; an exception is an observation too.

    Args:
        finding: what is found goes here.
        pair: both agents.
        run: the pass.
        seed: of the global generator; None to go on from where it is.

    Returns:
        Both traces, or None where a side failed.
    """
    traces: list[Trace] = []
    failures: dict[str, Exception] = {}
    generators: list[Tensor] = []
    if seed is not None:
        torch.default_generator.manual_seed(seed)
    start = torch.get_rng_state()
    for side, agent in (("old", pair.old), ("new", pair.new)):
        torch.set_rng_state(start)
        try:
            with pair.around() if side == "new" else nullcontext():
                traces.append(run(agent))
        except Exception as error:  # noqa: BLE001 - whatever the old stack raises, the new one is held to
            failures[side] = error
        generators.append(torch.get_rng_state())
    for side, failure in failures.items() if len(failures) == 1 else ():
        detail = f"only the {side} side fails: {failure!r}"
        finding.differences.append(Difference("error", "forward", detail, step=finding.step))
    if failures:
        if len(failures) == 2:
            finding.fail_alike(failures["old"])
        pair.restore_state()  # how far a failing pass got is nobody's promise
        return None
    finding.check_all("component", traces[0].components, traces[1].components, pair.order)
    finding.check_all("output", traces[0].outputs, traces[1].outputs, ())
    for row in pair.buffers:
        if row.has_changed:
            finding.check("state", row.name, *row.sides, component=row.component)
    finding.check("generator", "after the pass", *generators)
    return traces[0], traces[1]
