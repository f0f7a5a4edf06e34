"""A pair of agents, one pass on both, and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import torch
from torch import Tensor, nn

from equivalence.compare import Difference, explain
from equivalence.strategies import AgentSizes
from equivalence.tracing import Trace


@dataclass(frozen=True)
class Pair:
    """An agent of each stack for one policy.

    Attributes:
        old: the legacy agent.
        new: the new one.
        names: new parameter name -> old one.
        sizes: what inputs must fit.
        modes: whether each was in training mode when the pair was made; proofs change it.
    """

    old: nn.Module
    new: nn.Module
    names: Mapping[str, str]
    sizes: AgentSizes
    modes: tuple[bool, bool] = (True, True)

    @property
    def order(self) -> list[str]:
        """Component names in execution order."""
        return list(cast(Any, self.new).components.order())


@dataclass
class Finding:
    """What one level found on one input.

    Attributes:
        compared: how many tensors were compared.
        failed_alike: passes that failed on both sides, in which nothing was compared.
        differences: those that differ.
    """

    compared: int = 0
    failed_alike: int = 0
    differences: list[Difference] = field(default_factory=list)

    def check(self, place: str, name: str, old: Tensor | None, new: Tensor | None, *, strides: bool = True) -> None:
        """Compares two tensors."""
        self.compared += 1
        detail = explain(old, new, strides=strides)
        if detail is None and old is not None and new is not None and old.requires_grad != new.requires_grad:
            detail = f"requires_grad {old.requires_grad} became {new.requires_grad}"
        if detail:
            self.differences.append(Difference(place, name, detail))

    def compare_values(self, place: str, name: str, old: object, new: object) -> None:
        """Compares two plain values."""
        self.compared += 1
        if old != new:
            self.differences.append(Difference(place, name, f"{old!r} became {new!r}"))

    def check_all(self, place: str, old: Mapping[str, Tensor], new: Mapping[str, Tensor], order: Sequence[str]) -> None:
        """Compares two sets of tensors, in an order that puts causes before effects."""
        for name in [*order, *sorted({*old, *new} - set(order))]:
            if name in old or name in new:
                self.check(place, name, old.get(name), new.get(name))


def both(finding: Finding, pair: Pair, run: Callable[[nn.Module], Trace], seed: int) -> tuple[Trace, Trace] | None:
    """Runs one pass on both sides from the same generator state; an exception is an observation too.

    Returns:
        Both traces, or None where a side failed.
    """
    traces: list[Trace] = []
    failures: dict[str, Exception] = {}
    generators: list[Tensor] = []
    for side, agent in (("old", pair.old), ("new", pair.new)):
        torch.manual_seed(seed)
        try:
            traces.append(run(agent))
        except Exception as error:  # noqa: BLE001 - whatever the old stack raises, the new one is held to
            failures[side] = error
        generators.append(torch.get_rng_state())
    for side, failure in failures.items() if len(failures) == 1 else ():
        finding.differences.append(Difference("error", "forward", f"only the {side} side fails: {failure!r}"))
    if failures:
        finding.failed_alike += len(failures) == 2
        return None
    finding.check("generator", "after the pass", *generators)
    finding.check_all("component", traces[0].components, traces[1].components, pair.order)
    finding.check_all("output", traces[0].outputs, traces[1].outputs, ())
    return traces[0], traces[1]
