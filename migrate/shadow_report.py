"""What a shadow has seen: the calls that it compared, and one entry per kind of mismatch."""

from __future__ import annotations

import contextlib
import logging
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

logger = logging.getLogger("migrate.shadow")

BITS = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
"""Bytes of a number -> integers that its bits are."""


@dataclass
class Mismatch:
    """One kind of mismatch.

    Attributes:
        count: in how many calls.
        largest: the largest distance between two values; inf where it is more than a distance.
        first: how it was when it was first seen.
    """

    count: int
    largest: float
    first: str

    def __str__(self) -> str:
        distance = "" if math.isinf(self.largest) else f", by up to {self.largest:.3g}"
        return f"{self.count} times{distance}; {self.first}"


@dataclass
class Report:
    """What was compared, and how it came out.

    Attributes:
        serves: the stack that answers: the control. The other one is the candidate.
        calls: calls of the agent.
        compared: those in which the candidate was asked too.
        outputs: what was compared, by name, and how often.
        ignored: mismatches that the config says to ignore, by name.
        mismatches: by the name of the output, `generator`, `<parameter or buffer> afterwards`, or
            `<stack> raised <exception>`; the one that was seen first stands first.
    """

    serves: str
    calls: int = 0
    compared: int = 0
    outputs: dict[str, int] = field(default_factory=dict)
    ignored: dict[str, int] = field(default_factory=dict)
    mismatches: dict[str, Mismatch] = field(default_factory=dict)

    @property
    def candidate(self) -> str:
        """The stack that runs beside."""
        return "modules" if self.serves == "legacy" else "legacy"

    @property
    def equal(self) -> bool:
        """Whether something was compared and nothing differed, but for what is ignored."""
        return self.compared > 0 and not self.mismatches

    def __str__(self) -> str:
        head = f"{self.serves} serves, {self.candidate} beside it: {self.compared} of {self.calls} calls compared"
        found = [f"  {name}: {mismatch}" for name, mismatch in self.mismatches.items()]
        passed = [f"  {name}: ignored {count} times" for name, count in self.ignored.items()]
        return "\n".join([head, *(found or ["  no mismatch"]), *passed])

    def compare(self, control: Mapping[str, Tensor], candidate: Mapping[str, Tensor], ignore: Collection[str]) -> None:
        """Compares what both sides have; an era that has no entropy in inference, say, is no mismatch."""
        for name in (name for name in control if name in candidate):
            self.outputs[name] = self.outputs.get(name, 0) + 1
            if (found := difference(control[name], candidate[name])) is None:
                continue
            if name in ignore:
                self.pass_over(name)
            else:
                self.note(name, *found)

    def pass_over(self, name: str) -> None:
        """Counts a mismatch that is to be ignored."""
        self.ignored[name] = self.ignored.get(name, 0) + 1

    def note(self, name: str, largest: float, detail: str) -> None:
        """Counts a mismatch; the first of its kind is logged."""
        known = self.mismatches.get(name)
        if known is not None:
            known.count, known.largest = known.count + 1, max(known.largest, largest)
            return
        first = f"call {self.calls}: {detail}"
        self.mismatches[name] = Mismatch(1, largest, first)
        with contextlib.suppress(Exception):  # a handler of the caller's
            logger.warning(
                "stack: shadow: mismatch: %s, where %s served and %s ran beside it; %s. "
                "From now on it is only counted: see agent.report()",
                *(name, self.serves, self.candidate, first),
            )


def difference(control: Any, candidate: Any) -> tuple[float, str] | None:
    """How far two values are apart, and how, in words; None for tensors of the same type, shape and bytes."""
    if not (isinstance(control, Tensor) and isinstance(candidate, Tensor)):
        return None if control == candidate else (math.inf, f"{control!s:.200} and {candidate!s:.200}")
    if control.dtype != candidate.dtype:
        return math.inf, f"dtype {control.dtype} and {candidate.dtype}"
    if control.shape != candidate.shape:
        return math.inf, f"shape {list(control.shape)} and {list(candidate.shape)}"
    if torch.equal(_bits(control), _bits(candidate)):
        return None
    unequal = _bits(control) != _bits(candidate)
    gap = (control.double() - candidate.double())[unequal].abs().nan_to_num(nan=math.inf)
    index = unequal.nonzero()[0].tolist()
    values = f"{control[tuple(index)].item()!r} and {candidate[tuple(index)].item()!r}"
    count = f"{int(unequal.sum())} of {control.numel()} values differ"
    return float(gap.max()), f"{count} by up to {float(gap.max()):.3g}, first at {index}: {values}"


def _bits(tensor: Tensor) -> Tensor:
    """The numbers of a tensor as integers, so that -0.0 is not 0.0, and a NaN is its own payload."""
    return tensor if tensor.dtype == torch.bool else tensor.contiguous().view(BITS[tensor.itemsize])
