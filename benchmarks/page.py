"""`docs/performance.md`: a result as a page for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks.bounds import Verdict, bound_of, verdicts
from benchmarks.figure import Figure
from benchmarks.layout import SECTIONS, Section
from benchmarks.result import Result

DIGITS = {"ratio": 2, "us": 2, "ms": 1, "bytes": 0, "packages": 0}
LARGE = 100
NONE = "-"
HEAD = """\
# Performance

Written by `python -m benchmarks --docs`; not edited by hand. `make bench` measures, `make bench-gate` fails where a
promise below is not kept. The figures with all their digits are in `performance.json`.

Every figure is a ratio of two sides that took many short turns in one process, in an order drawn anew each time: the
median over {rounds} rounds, with its quartiles in brackets. All sides of an agent read the same weights in the same
memory. A figure with a promise shows it; what misses it is **bold**.

{environment}

{summary}
"""


def render(result: Result) -> str:
    """The page."""
    by_name = {figure.name: figure for figure in result.figures}
    parts = [
        HEAD.format(
            rounds=result.effort.rounds,
            environment=_environment(result.environment),
            summary=_summary(verdicts(result.figures)),
        ),
        *(text for section in SECTIONS if (text := _section(section, by_name))),
    ]
    return "\n".join(parts)


def _environment(facts: Mapping[str, object]) -> str:
    known = {key: facts.get(key, "?") for key in ("torch", "tensordict", "python", "architecture", "cpu_capability")}
    return (
        f"Measured with torch {known['torch']}, tensordict {known['tensordict']}, Python {known['python']}, "
        f"{known['architecture']}, {known['cpu_capability']}, {facts.get('threads', '?')} thread(s) of "
        f"{facts.get('cores', '?')} cores."
    )


def _summary(judged: Sequence[Verdict]) -> str:
    beyond = [each for each in judged if not each.met]
    kept = f"**{len(judged) - len(beyond)} of {len(judged)} promises are kept.**"
    if not beyond:
        return kept
    lines = [
        f"- `{each.figure.name}`: {above(each.figure, each.bound.limit)}, not {each.bound.limit:g}" for each in beyond
    ]
    return "\n".join([f"{kept} These are not:\n", *lines])


def _section(section: Section, figures: Mapping[str, Figure]) -> str:
    """A table without the rows and columns that nothing was measured for; nothing if none is left."""
    columns = [c for c in section.columns if any(f"{row}/{c[1]}" in figures for _, row in section.rows)]
    rows = [row for row in section.rows if any(f"{row[1]}/{column}" in figures for _, column in columns)]
    if not rows:
        return ""
    lines = [f"| {' | '.join([section.corner, *(heading for heading, _ in columns)])} |"]
    lines.append(f"|{'---|' * (len(columns) + 1)}")
    for label, row in rows:
        cells = [cell(figures.get(f"{row}/{column}")) for _, column in columns]
        lines.append(f"| {' | '.join([label, *cells])} |")
    return "\n".join([f"## {section.title}\n", f"{section.text}\n", *lines, ""])


def cell(figure: Figure | None) -> str:
    """A figure with its spread, its promise, and whether that is kept."""
    if figure is None:
        return NONE
    text = number(figure)
    spread = f" ({number(figure, figure.low)} to {number(figure, figure.high)})" if figure.rounds > 1 else ""
    note = f" {figure.note}" if figure.note else ""
    bound = bound_of(figure.name)
    if bound is None:
        return f"{text}{spread}{note}"
    met = Verdict(figure, bound).met
    if met:
        return f"{text}{spread}{note}, ≤ {bound.limit:g} ✓"
    return f"**{above(figure, bound.limit)}**{spread}{note}, not ≤ {bound.limit:g} ✗"


def above(figure: Figure, limit: float) -> str:
    """A value above a limit, in as many digits as show that it is."""
    digits = range(DIGITS[figure.unit], 6)
    texts = [number(figure), *(f"{figure.value:,.{each}f}" for each in digits)]
    return next((text for text in texts if float(text.replace(",", "")) > limit), texts[-1])


def number(figure: Figure, value: float | None = None) -> str:
    """A value in its unit's digits; none behind the point where it is large."""
    value = figure.value if value is None else value
    return f"{value:,.{0 if abs(value) >= LARGE else DIGITS[figure.unit]}f}"
