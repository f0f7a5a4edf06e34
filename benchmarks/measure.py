"""A measure: something to run, and the figures that come of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.figure import Figure
from benchmarks.rounds import Effort


@dataclass(frozen=True)
class Measure:
    """What is measured in one go; every figure's name begins with the measure's, and a slash.

    Attributes:
        name: such as `speed/simple/batch_1`.
        run: measures.
    """

    name: str
    run: Callable[[Effort], list[Figure]]

    def gave(self, figure: str) -> bool:
        """Whether a figure of this name is one of this measure."""
        return figure.startswith(f"{self.name}/")
