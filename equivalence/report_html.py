"""`report.html` and `index.html`: one page each, without scripts, and without anything from elsewhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from equivalence import report_plots, report_words
from equivalence.report_json import plain
from equivalence.result import DIFFERENT, EQUAL, INCONCLUSIVE, SCHEMA, ProofResult

SHOWN = 40
"""Differences per level; all are in `result.json`."""


def render_html(result: ProofResult) -> bytes:
    """`report.html`: what was compared, what was found, where a difference begins, and how to see it again."""
    return _render(
        "report.html.j2",
        result=result,
        conditions=plain(result.conditions),
        opening=report_words.opening(result, report_words.grouped),
        reasons=report_words.shortfalls(result),
        graph=report_plots.graph(result.components),
        by_component=report_plots.by_component(result.components),
        failing=[level for level in result.levels if level.differences],
        by_step={level.level: report_plots.by_step(level.steps, level.level) for level in result.levels},
        compared=report_words.compared(result),
        shown=SHOWN,
        schema=SCHEMA,
    )


def render_index(results: Sequence[ProofResult], folders: Sequence[str]) -> bytes:
    """`index.html`: a row per proof, each linked to its own report."""
    verdicts = Counter(result.verdict for result in results)
    worst = next((verdict for verdict in (DIFFERENT, INCONCLUSIVE, EQUAL) if verdicts[verdict]), INCONCLUSIVE)
    return _render(
        "index.html.j2",
        rows=list(zip(results, folders, strict=True)),
        verdicts={verdict: verdicts[verdict] for verdict in (EQUAL, DIFFERENT, INCONCLUSIVE)},
        worst=worst,
        compared=sum(map(report_words.compared, results)),
        seconds=sum(result.seconds for result in results),
    )


def duration(seconds: float) -> str:
    """Wall time, as exact as anyone wants to know it."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 60 else f"{int(seconds) // 60} min {int(seconds) % 60:02} s"


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader("equivalence"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_clean,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(number=report_words.grouped, duration=duration, side=report_words.side)
    environment.globals.update(words=report_words)
    return environment


def _clean(value: Any) -> Any:
    """No control characters in the page; markup that a template made stays markup."""
    return report_words.readable(value) if type(value) is str else value


def _render(template: str, **values: Any) -> bytes:
    return _templates().get_template(template).render(values).encode("utf-8", "replace")
