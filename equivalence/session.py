"""One whole proof: from a pair of agents to a `ProofResult`, with its reports and, on a difference, its bundle."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from safetensors import SafetensorError

from equivalence.bundle import write_bundle
from equivalence.conditions import conditions
from equivalence.finding import Pair
from equivalence.harness import LEVELS
from equivalence.proof import Run, prove
from equivalence.result import ComponentResult, ProofResult

logger = logging.getLogger(__name__)

IN_MEMORY = "migrated in memory"
BUNDLE = "bundle"


def prove_pair(
    pair: Pair,
    run: Run,
    *,
    levels: Sequence[str] = tuple(LEVELS),
    old: str = "old",
    new: str = IN_MEMORY,
    reproduce: str = "",
    bundle: Path | None = None,
) -> ProofResult:
    """Measures the conditions, runs the levels, and keeps what reproduces the first difference.

    Args:
        pair: both agents.
        run: how.
        levels: keys of `LEVELS`.
        old: what ran in the old stack, for reports.
        new: what ran in the new stack, for reports.
        reproduce: the command that repeats the run, for reports.
        bundle: folder for what reproduces a difference; None to write nothing.
    """
    started = time.perf_counter()
    result = ProofResult(
        old, new, run.policy, run.seed, run.examples, conditions(pair, run.recorded), components_of(pair), [], reproduce
    )
    result.levels = prove(pair, levels=levels, run=run, components=result.components)
    result.unfinished = [
        level.level
        for level in result.levels
        if not level.skipped and not level.differences and level.examples < LEVELS[level.level].examples(run.examples)
    ]
    failed = next((level for level in result.levels if level.failing is not None), None)
    if bundle is not None and failed is not None:
        try:
            result.bundle = str(write_bundle(bundle, pair, failed, run.recorded).parent)
        except (OSError, SafetensorError) as error:  # the difference is told all the same
            logger.warning("what reproduces the difference cannot be written: %s", error)
    result.seconds = time.perf_counter() - started
    return result


def components_of(pair: Pair) -> list[ComponentResult]:
    """A row for each component, in execution order, with nothing found yet."""
    old, new = cast(Any, pair.old).components, cast(Any, pair.new).components
    return [
        ComponentResult(
            name,
            type(old[name]).__name__,
            type(new[name]).__name__,
            list(pair.sources.get(name, ())),
            sum(parameter.numel() for parameter in new[name].parameters()),
        )
        for name in pair.order
    ]
