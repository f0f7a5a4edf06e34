"""Measures, and measures once more what missed its bound."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from benchmarks.bounds import verdicts
from benchmarks.figure import Figure
from benchmarks.measure import Measure
from benchmarks.rounds import Effort

Watch = Callable[[Measure], None]


def run(measures: Sequence[Measure], effort: Effort, watch: Watch = lambda _: None) -> list[Figure]:
    """All figures, one measure after the other.

    Args:
        measures: what to run.
        effort: how long.
        watch: is told of each measure before it runs.
    """
    figures: list[Figure] = []
    for measure in measures:
        watch(measure)
        figures += measure.run(effort)
    return figures


def missed(figures: Sequence[Figure]) -> set[str]:
    """Names of the figures that are beyond their bounds."""
    return {verdict.figure.name for verdict in verdicts(figures) if not verdict.met}


def to_repeat(measures: Sequence[Measure], figures: Sequence[Figure]) -> list[Measure]:
    """The measures that gave a figure beyond its bound."""
    beyond = missed(figures)
    return [measure for measure in measures if any(measure.gave(name) for name in beyond)]


def retry(
    measures: Sequence[Measure], figures: Sequence[Figure], effort: Effort, watch: Watch = lambda _: None
) -> list[Figure]:
    """The figures again, where those that missed are replaced by what a second run of their measures gives.

    What was met stays as it was: a second run can only be worse for it, and has nothing to say on it.
    """
    beyond = missed(figures)
    again = {figure.name: figure for figure in run(to_repeat(measures, figures), effort, watch)}
    return [again.get(figure.name, figure) if figure.name in beyond else figure for figure in figures]
