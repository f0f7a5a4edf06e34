"""What inputs and differences add to the results of a level and of its components."""

from __future__ import annotations

import itertools

from equivalence.finding import Finding
from equivalence.result import ComponentResult, LevelResult


def count(result: LevelResult, rows: dict[str, ComponentResult], finding: Finding) -> None:
    """Adds what one input showed."""
    result.examples += 1
    result.compared += finding.compared
    result.failed_alike += finding.failed_alike
    result.failure = result.failure or finding.failure
    for name in itertools.chain.from_iterable(finding.ran) if rows else ():
        rows[name].compared += 1


def tell(result: LevelResult, rows: dict[str, ComponentResult]) -> None:
    """Tells components of their differences, and of who is blamed."""
    for found in result.differences:
        if found.component in rows:
            row = rows[found.component]
            row.differing += 1
            row.ulp = max((ulp for ulp in (row.ulp, found.ulp) if ulp is not None), default=None)
    if result.blamed in rows:
        rows[result.blamed].blamed.append(result.level)
