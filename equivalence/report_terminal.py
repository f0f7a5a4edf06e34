"""What the command shows to people: a row per level, and the place where each difference begins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from equivalence.report_words import (
    SKIPPED,
    control_words,
    count,
    readable,
    sentence,
    short,
    shortfall,
    side,
    status,
    touched,
    verdict_notes,
    verdict_words,
)
from equivalence.result import DIFFERENT, EQUAL, INCONCLUSIVE, ComponentResult, LevelResult, ProofResult

SHOWN = 5
"""Differences per level; the reports have more, `result.json` all."""
FACTS = (str, int, float)
COLOURS = {EQUAL: "green", DIFFERENT: "red", INCONCLUSIVE: "yellow", SKIPPED: "dim"}


def show(result: ProofResult, console: Console, reports: Sequence[Path] = ()) -> None:
    """Prints a result.

    Args:
        result: what was found.
        console: where to.
        reports: files that were written about it.
    """
    console.print(_table(result))
    drawn: set[str] = set()
    for level in result.levels:
        for line in (*_remarks(level), *_explanation(result, level, drawn)):
            console.print(line, soft_wrap=True)
    for line in _closing(result, reports):
        console.print(line, soft_wrap=True)


def _table(result: ProofResult) -> Table:
    title = f"{side(result.old)} (legacy) against {side(result.new)} (modules)"
    table = Table(title=_safe(title), title_justify="left")
    table.add_column("level", no_wrap=True)
    table.add_column("inputs", justify="right", no_wrap=True)
    table.add_column("values compared", justify="right")
    table.add_column("verdict", no_wrap=True)
    table.add_column("negative control", overflow="fold")
    for level in result.levels:
        table.add_row(
            _safe(level.level), str(level.examples), str(level.compared),
            _coloured(status(level), verdict_words(level)), _control(level),
        )  # fmt: skip
    return table


def _control(level: LevelResult) -> str:
    if level.control is None:
        return "" if level.skipped is not None else "[dim]not run[/dim]"
    return _coloured(EQUAL if level.control.passed else INCONCLUSIVE, control_words(level))


def _remarks(level: LevelResult) -> Iterator[str]:
    """What the row of a level has no room for."""
    control, reason, notes = level.control, shortfall(level), verdict_notes(level)
    if notes:
        yield f"{_coloured(status(level), level.level)}: {_safe(notes)}"
    if level.skipped is not None:
        yield f"{_coloured(SKIPPED, level.level)} was skipped: {_safe(level.skipped)}"
    elif reason is not None and control is not None:
        fault = f"{control.weight} moved {control.moved}"
        yield _coloured(INCONCLUSIVE, f"{reason} ({fault}, {count(control.examples, 'input')})")


def _explanation(result: ProofResult, level: LevelResult, drawn: set[str]) -> Iterator[str]:
    """Where a difference begins, and on which input; the whole graph once for each component that is blamed."""
    if not level.differences:
        return
    smallest = f", smallest input: {_safe(str(level.failing))}" if level.failing is not None else ""
    yield f"{_coloured(DIFFERENT, level.level)} differs{smallest}"
    if level.blamed is not None:
        yield from _graph(result.components, level, whole=level.blamed not in drawn)
        drawn.add(level.blamed)
    for difference in level.differences[:SHOWN]:
        yield f"  {_safe(str(difference))}"
    if len(level.differences) > SHOWN:
        yield f"  and {len(level.differences) - SHOWN} more"


def _graph(components: Sequence[ComponentResult], level: LevelResult, *, whole: bool) -> Iterator[str]:
    """Both sides in execution order: `> ` where the difference begins, `~ ` where its effects show."""
    differing = touched(level)
    for component in components:
        mark = "~ " if component.name in differing else "  "
        mark = _coloured(DIFFERENT, "> ") if component.name == level.blamed else mark
        reads = f", reads {', '.join(component.sources)}" if component.sources else ""
        if whole or mark.strip():
            yield f"  {mark}{_safe(f'{component.name} ({short(component.new)}) was {short(component.old)}{reads}')}"


def _closing(result: ProofResult, reports: Sequence[Path]) -> Iterator[str]:
    yield _coloured(result.verdict, sentence(result))
    yield _safe("; ".join([count(len(result.components), "component"), *_facts(result.conditions)]))
    if result.bundle is not None:
        yield f"to see it again: {_safe(result.bundle)}"
    if reports:
        yield f"reports: {_safe(', '.join(map(str, reports)))}"


def _facts(conditions: Mapping[str, Any]) -> Iterator[str]:
    """Conditions and groups of them; what is nested more deeply is in the reports, obstacles in the verdict."""
    for key, value in conditions.items():
        if isinstance(value, Mapping):
            facts = (f"{name} {fact}" for name, fact in value.items() if isinstance(fact, FACTS))
            yield f"{key}: {', '.join(facts)}"
        elif isinstance(value, FACTS):
            yield f"{key} {value}"


def _coloured(verdict: str, words: str) -> str:
    return f"[{COLOURS[verdict]}]{_safe(words)}[/]"


def _safe(text: str) -> str:
    """Text that can neither style the output nor move the cursor of a terminal."""
    return escape(readable(text))
