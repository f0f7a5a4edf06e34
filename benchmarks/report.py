"""A result in the terminal, on standard error."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from benchmarks.bounds import Bound, Verdict, bound_of
from benchmarks.figure import Figure
from benchmarks.gate import Watch
from benchmarks.measure import Measure
from benchmarks.page import number

WIDTH = 110
"""Columns where there is no terminal: names of figures are to be read and copied."""
console = Console(stderr=True, highlight=False)
if not console.is_terminal:
    console.width = WIDTH


def show(figures: Sequence[Figure]) -> None:
    """All figures, with bounds and verdicts where there are some."""
    _print("figures", figures)


def show_verdict(figures: Sequence[Figure], absent: Sequence[Bound]) -> None:
    """What misses its bound, and bounds that nothing was measured for."""
    beyond = [figure for figure in figures if not _met(figure)]
    if beyond:
        _print("missed, twice", beyond)
    for bound in absent:
        console.print(f"[red]not measured[/red] {escape(bound.pattern)}: {escape(bound.promise)}")
    judged = sum(bound_of(figure.name) is not None for figure in figures)
    console.print(f"{judged - len(beyond)} of {judged} promises are kept")


@contextmanager
def progress(total: int) -> Iterator[Watch]:
    """A bar that is gone when it is done, or lines where there is no terminal; call what it gives with each measure."""
    columns = (TextColumn("{task.description:<32}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task, started = bar.add_task("", total=total), False

        def watch(measure: Measure) -> None:
            nonlocal started
            if not console.is_terminal:
                console.print(measure.name)
            bar.update(task, description=measure.name, advance=int(started))
            started = True

        yield watch


def _print(title: str, figures: Sequence[Figure]) -> None:
    table = Table(title=title, title_justify="left")
    table.add_column("figure", no_wrap=True)
    for heading in ("median", "quartiles", "at most"):
        table.add_column(heading, justify="right")
    for figure in figures:
        bound = bound_of(figure.name)
        color = "" if bound is None else "green" if _met(figure) else "bold red"
        text = f"{number(figure)}{'' if figure.unit == 'ratio' else f' {figure.unit}'}"
        spread = f"{number(figure, figure.low)} to {number(figure, figure.high)}" if figure.rounds > 1 else ""
        limit = "" if bound is None else f"{bound.limit:g}"
        table.add_row(figure.name, f"[{color}]{text}[/{color}]" if color else text, spread, limit)
    console.print(table)


def _met(figure: Figure) -> bool:
    bound = bound_of(figure.name)
    return bound is None or Verdict(figure, bound).met
