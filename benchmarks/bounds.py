"""What the new stack promises: figures by pattern, and the most that each may be."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from benchmarks.figure import Figure


@dataclass(frozen=True)
class Bound:
    """The most that some figures may be.

    Attributes:
        pattern: of their names.
        limit: inclusive.
        promise: in words.
    """

    pattern: str
    limit: float
    promise: str


BY_HAND = "hardly slower than plain torch written by hand"
OLD = "faster than the old stack"
CHEAPER = "`numerics: fast` is worth having"
SAFE = "checks can stay on"
SMALL = "no more memory than by hand"
LIGHT = ("simple", "fast")
"""Agents whose passes the old stack makes longer by half. In the others the same kernels take most of its time, so that
even plain torch by hand is at 0.72 and 0.78 of it at batch 1, 0.88 and more at batch 32: they must not be slower."""
LINEAR = 3
"""Per component, with ten times as many: 10 would be quadratic; more than 1 is what caches do to a thousand modules."""
BOUNDS = (
    Bound("speed/*/batch_1/exact:by_hand", 1.05, BY_HAND),
    Bound("speed/*/batch_32/exact:by_hand", 1.03, BY_HAND),
    Bound("speed/*/batch_1024/exact:by_hand", 1.02, BY_HAND),
    Bound("speed/*/training/exact:by_hand", 1.02, BY_HAND),
    *(Bound(f"speed/{agent}/batch_1/exact:old", 0.70, OLD) for agent in LIGHT),
    *(Bound(f"speed/{agent}/batch_32/exact:old", 0.80, OLD) for agent in LIGHT),
    Bound("speed/*/batch_*/exact:old", 1.00, OLD),
    Bound("speed/simple/batch_1/fast:old", 0.45, CHEAPER),
    Bound("speed/simple/batch_1024/fast:old", 0.55, CHEAPER),
    Bound("speed/simple/training/fast:old", 0.70, CHEAPER),
    Bound("speed/simple_big/batch_1/fast:old", 0.50, CHEAPER),
    Bound("speed/simple_big/batch_1024/fast:old", 0.38, CHEAPER),
    Bound("speed/simple_big/training/fast:old", 0.33, CHEAPER),
    Bound("speed/*/batch_1/safe:exact", 1.20, SAFE),
    Bound("speed/*/batch_32/safe:exact", 1.05, SAFE),
    Bound("speed/*/batch_1024/safe:exact", 1.05, SAFE),
    Bound("container/100_components/container", 0.5, "the container costs next to nothing"),
    Bound("container/growth/1000:100", LINEAR, "running grows linearly with the components"),
    Bound("container/building/1000:100", LINEAR, "building grows linearly with the components"),
    Bound("memory/*/batch_1024/exact:by_hand", 1.0, SMALL),
    Bound("memory/simple/batch_1024/exact:old", 0.6, "less memory than the old stack"),
    Bound("memory/simple/training/fast:old", 0.45, CHEAPER),
    Bound("memory/simple_big/training/fast:old", 0.75, CHEAPER),
    Bound("build/simple*/exact:old", 0.1, "an agent is built in a tenth of the time"),
    Bound("import/modules/packages", 0, "importing it imports torch and nothing else"),
)


@dataclass(frozen=True)
class Verdict:
    """A figure against its bound."""

    figure: Figure
    bound: Bound

    @property
    def met(self) -> bool:
        """Whether the promise is kept."""
        return self.figure.value <= self.bound.limit


def bound_of(name: str) -> Bound | None:
    """The bound of a figure, if it has one."""
    return next((bound for bound in BOUNDS if fnmatchcase(name, bound.pattern)), None)


def verdicts(figures: Iterable[Figure]) -> list[Verdict]:
    """All figures that have a bound, in their order."""
    bounded = ((figure, bound_of(figure.name)) for figure in figures)
    return [Verdict(figure, bound) for figure, bound in bounded if bound is not None]


def without_figure(figures: Iterable[Figure]) -> list[Bound]:
    """Bounds that nothing was measured for, so that a promise cannot vanish with its measure."""
    names = [figure.name for figure in figures]
    return [bound for bound in BOUNDS if not any(fnmatchcase(name, bound.pattern) for name in names)]
