"""One measured number with its spread, and ratios of times that were taken in turns."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Figure:
    """A number that was measured.

    Attributes:
        name: of what; the parts stand between slashes, the measure first: `speed/simple/batch_1/old:by_hand`.
        value: the median.
        low: the lower quartile.
        high: the upper quartile.
        unit: `ratio`, `us`, `ms`, `bytes` or `packages`.
        rounds: how many values it is the median of.
        note: what else there is to say.
    """

    name: str
    value: float
    low: float
    high: float
    unit: str = "ratio"
    rounds: int = 1
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON; numbers to five digits, which is more than can be measured."""
        values = asdict(self)
        return {**values, **{key: float(f"{values[key]:.5g}") for key in ("value", "low", "high")}}


def median(name: str, values: Sequence[float], unit: str = "ratio", note: str = "") -> Figure:
    """The median of some values, with their quartiles."""
    low, middle, high = quartiles(values)
    return Figure(name, middle, low, high, unit, len(values), note)


def exactly(name: str, value: float, unit: str, note: str = "") -> Figure:
    """A number that has no spread."""
    return Figure(name, value, value, value, unit, 1, note)


def ratio(name: str, above: Sequence[float], below: Sequence[float], note: str = "") -> Figure:
    """The median of the ratios of two sides, round by round: what slows a round down slows both."""
    return median(name, [a / b for a, b in zip(above, below, strict=True)], note=note)


def quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    """Lower quartile, median, upper quartile."""
    if len(values) < 2:
        return values[0], values[0], values[0]
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, middle, high
