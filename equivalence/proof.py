"""`prove`: every level on inputs that Hypothesis generates and, on failure, shrinks."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from hypothesis import HealthCheck, Phase, given, seed, settings

from equivalence.compare import Difference
from equivalence.finding import Pair
from equivalence.harness import LEVELS, ONCE, blame
from equivalence.strategies import Draw, Inputs, draws

PHASES = (Phase.generate, Phase.shrink)


@dataclass
class LevelResult:
    """What one level found.

    Attributes:
        level: its name.
        examples: how many inputs were tried.
        compared: how many tensors were compared.
        failed_alike: passes that failed on both sides, in which nothing was compared.
        differences: of the smallest failing input.
        failing: that input.
        blamed: the component where the difference begins.
    """

    level: str
    examples: int = 0
    compared: int = 0
    failed_alike: int = 0
    differences: list[Difference] = field(default_factory=list)
    failing: Draw | None = None
    blamed: str | None = None

    @property
    def equal(self) -> bool:
        """Whether something was compared and nothing differed."""
        return not self.differences and self.compared > 0

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {**asdict(self), "equal": self.equal}


class _UnequalError(AssertionError):
    """Tells Hypothesis that an example failed."""


def prove(
    pair: Pair,
    *,
    levels: Sequence[str] = tuple(LEVELS),
    examples: int = 25,
    base_seed: int = 0,
    progress: Callable[[str], None] = lambda _: None,
) -> list[LevelResult]:
    """Runs the levels.

    Args:
        pair: both agents; their modes and gradients are changed.
        levels: keys of `LEVELS`.
        examples: inputs per level.
        base_seed: the same seed tries the same inputs.
        progress: told the name of each level as it starts.
    """
    results = []
    for level in levels:
        progress(level)
        results.append(_prove_level(pair, level, 1 if level in ONCE else examples, base_seed))
    return results


def _prove_level(pair: Pair, level: str, examples: int, base_seed: int) -> LevelResult:
    result = LevelResult(level)

    @seed(base_seed)
    @settings(
        max_examples=examples, database=None, deadline=None, phases=PHASES,
        suppress_health_check=list(HealthCheck), report_multiple_bugs=False,
    )  # fmt: skip
    @given(draws())
    def attempt(draw: Draw) -> None:
        for agent in (pair.old, pair.new):
            agent.train(draw.train)
        with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # old code warns of observations that are drawn to be odd
            finding = LEVELS[level](pair, Inputs(draw, pair.sizes))
        result.examples += 1
        result.compared += finding.compared
        result.failed_alike += finding.failed_alike
        if finding.differences:
            # Hypothesis runs the smallest failing example last, so this is the one that stays.
            result.differences, result.failing = finding.differences, draw
            raise _UnequalError

    try:
        attempt()
    except _UnequalError:
        result.blamed = blame(result.differences, pair.order)
    return result
