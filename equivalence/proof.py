"""`prove`: every level on inputs that Hypothesis generates and, on failure, shrinks."""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from hypothesis import given, seed
from hypothesis.errors import Flaky
from torch import Tensor

from equivalence.blame import blame
from equivalence.compare import Difference
from equivalence.control import EXAMPLES, control
from equivalence.divergences import aligned, split, stale
from equivalence.finding import Pair
from equivalence.harness import EXACT, LEVELS, SKIPPED
from equivalence.large import LARGE_FROM, try_large
from equivalence.oracle import judge, judges_of
from equivalence.policy import BITWISE, ORACLE, TIMES, Judgement
from equivalence.quiet import quiet, settings_for
from equivalence.result import ComponentResult, LevelResult
from equivalence.strategies import RECORDED, Draw, Inputs, draws, fills_for
from equivalence.tally import count, tell

DATA = 25
"""Inputs of one structure, which differ in their data alone; making a structure costs more than filling it."""

FEW = 5
"""Inputs of a level that are too few for the simplest one to be among them."""
TRIES = 50
"""Draws of a level on which both sides fail, before it is left at that."""


class _UnequalError(AssertionError):
    """Tells Hypothesis that an example failed."""


@dataclass
class Run:
    """How a proof runs.

    Attributes:
        examples: inputs per level; levels that take longer try fewer (`Level.per`).
        seed: the same seed tries the same inputs.
        policy: `bitwise` or `oracle`.
        controls: whether each level is repeated with one weight off by a little.
        shrink: whether a failing input is made as small as possible.
        recorded: `[N, *obs_shape]` observations to try instead of made ones.
        deadline: value of `time.monotonic()` behind which no level tries more than one input.
        progress: told the level and the input that was just tried.
    """

    examples: int = 25
    seed: int = 0
    policy: str = BITWISE
    controls: bool = False
    shrink: bool = True
    recorded: Tensor | None = None
    deadline: float | None = None
    progress: Callable[[str, Draw], None] = lambda _, __: None

    @property
    def is_over(self) -> bool:
        """Whether the time is up."""
        return self.deadline is not None and time.monotonic() > self.deadline

    def share(self, levels: int) -> Run:
        """The same run, with the part of the time that is left for one of so many levels."""
        now = time.monotonic()
        return self if self.deadline is None else replace(self, deadline=now + max(0.0, self.deadline - now) / levels)


def prove(
    pair: Pair,
    *,
    levels: Sequence[str] = tuple(LEVELS),
    examples: int = 25,
    base_seed: int = 0,
    components: Sequence[ComponentResult] = (),
    run: Run | None = None,
) -> list[LevelResult]:
    """Runs the levels.

    Args:
        pair: both agents; their modes and gradients are changed.
        levels: keys of `LEVELS`.
        examples: inputs per level.
        base_seed: the same seed tries the same inputs.
        components: get what each level found of them.
        run: all settings at once, instead of `examples` and `base_seed`.
    """
    run = run or Run(examples, base_seed)
    rows = {component.name: component for component in components}
    return [_prove(pair, level, run.share(len(levels) - i), rows) for i, level in enumerate(levels)]


def _prove(pair: Pair, name: str, run: Run, rows: dict[str, ComponentResult]) -> LevelResult:
    started = time.perf_counter()
    pair.hold_state()
    with aligned(pair, name) as divergences:
        result = _run(pair, name, run, rows)
    result.divergences = sorted({*result.divergences, *(divergences if result.compared else ())})
    result.seconds = time.perf_counter() - started
    return result


def _run(pair: Pair, name: str, run: Run, rows: dict[str, ComponentResult]) -> LevelResult:
    level = LEVELS[name]
    by_oracle = run.policy == ORACLE and level.oracle != EXACT
    reason = level.missing(pair) or ("is compared bit by bit only" if by_oracle and level.oracle == SKIPPED else None)
    if reason is not None:
        return LevelResult(name, level.purpose, skipped=reason)
    attempt = _judged if by_oracle else _tried
    result = attempt(pair, name, run, rows)
    if run.controls and result.compared and not result.differences:
        examples = min(run.examples, EXAMPLES * max(1, level.per))
        control_run = replace(
            run, examples=examples, controls=False, shrink=False, deadline=None, progress=lambda _, __: None
        )
        result.control = control(pair, run.seed, name, lambda: attempt(pair, name, control_run, {}), coarse=by_oracle)
    return result


def _tried(pair: Pair, name: str, run: Run, rows: dict[str, ComponentResult]) -> LevelResult:
    """One level under the `bitwise` policy: Hypothesis draws structures until one fails, and shrinks it."""
    level, result = LEVELS[name], LevelResult(name, LEVELS[name].purpose)
    examples = level.examples(run.examples)
    has_large = run.shrink and level.per == 1 and examples >= LARGE_FROM
    examples -= has_large
    data = max(1, min(DATA, examples // 10))
    fills = fills_for(pair.sizes, run.recorded)
    smallest: list[Draw] = []

    calls = itertools.count()

    @settings_for(-(-examples // data) + (examples < FEW), shrink=run.shrink)
    @given(draws(pair.sizes, run.recorded))
    def attempt(draw: Draw) -> None:
        if examples < FEW and not next(calls):
            return  # Hypothesis begins with the simplest input, which is not the one to spend a long level on
        if run.is_over and result.examples and draw not in smallest:
            return
        with quiet(pair, draw):
            for offset in range(data):
                if result.compared and result.examples >= examples and not smallest:
                    return
                try:
                    _example(pair, result, _shifted(draw, offset, fills), run, rows)
                except _UnequalError:
                    smallest[:] = [draw]
                    raise

    with contextlib.suppress(_UnequalError, Flaky):  # a difference that comes and goes is one
        for other in range(TRIES):
            seed(run.seed + other)(attempt)()
            if result.compared or not result.failed_alike:
                break  # else both sides failed on all that was drawn, and nothing was compared
    if has_large and not result.differences and not run.is_over:
        try_large(partial(_attempted, pair, result, run, rows), steps=level.steps)
    if result.differences:
        result.blamed = _blamed(pair, result, run)
        tell(result, rows)
    elif result.examples:
        result.differences = stale(pair, name, result.divergences)
    return result


def _attempted(pair: Pair, result: LevelResult, run: Run, rows: dict[str, ComponentResult], draw: Draw) -> bool:
    """Whether both sides differ on an input."""
    used = draw if run.recorded is None else replace(draw, observations=RECORDED)
    with quiet(pair, used):
        try:
            _example(pair, result, replace(used, seed=run.seed % 2**31), run, rows)
        except _UnequalError:
            return True
    return False


def _shifted(draw: Draw, offset: int, fills: Sequence[str]) -> Draw:
    """The same structure with other data, of another kind."""
    kind = fills[(fills.index(draw.observations) + offset) % len(fills)]
    return replace(draw, seed=draw.seed + offset, observations=kind)


def _example(pair: Pair, result: LevelResult, draw: Draw, run: Run, rows: dict[str, ComponentResult]) -> None:
    finding = LEVELS[result.level].run(pair, Inputs(draw, pair.sizes, run.recorded))
    pair.restore_state()
    count(result, rows, finding)
    run.progress(result.level, draw)
    if not finding.differences:
        return
    left, met = split(pair, result.level, finding.differences)
    result.divergences = sorted({*result.divergences, *met})
    if left:
        # Hypothesis runs the smallest failing example last, so this is the one that stays.
        result.differences, result.failing, result.steps = left, draw, finding.steps
        raise _UnequalError


def _blamed(pair: Pair, result: LevelResult, run: Run) -> str | None:
    if result.failing is None:
        return None
    with quiet(pair, result.failing):
        inputs = Inputs(result.failing, pair.sizes, run.recorded)
        given = None if pair.is_of_one_stack else inputs
        found = blame(pair, result.differences, given, steps=LEVELS[result.level].steps)
    pair.restore_state()
    return found


def _judged(pair: Pair, name: str, run: Run, rows: dict[str, ComponentResult]) -> LevelResult:
    """One level under the `oracle` policy: errors are summed over all examples, so nothing is shrunk."""
    level, result = LEVELS[name], LevelResult(name, LEVELS[name].purpose)
    judgement, judges = Judgement(), judges_of(pair, run.seed)

    def attempt(draw: Draw) -> None:
        if run.is_over and result.examples:
            return
        with quiet(pair, draw):
            inputs = Inputs(draw, pair.sizes, run.recorded)
            count(result, rows, judge(judgement, pair, judges, level.run, inputs))
        run.progress(name, draw)

    def verdict(examples: int, base: int) -> tuple[list[Difference], list[str]]:
        settings_for(examples, shrink=False)(seed(base)(given(draws(pair.sizes, run.recorded))(attempt)))()
        return split(pair, name, judgement.verdict())

    examples = level.examples(run.examples)
    result.differences, result.divergences = verdict(examples, run.seed)
    if judgement.is_in_doubt(result.differences) and not run.is_over:
        result.differences, result.divergences = verdict((TIMES - 1) * examples, run.seed + 1)
    result.ratio, result.ties = judgement.ratio, judgement.ties
    result.blamed = blame(pair, result.differences)
    tell(result, rows)
    return result
