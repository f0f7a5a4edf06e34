"""What a suite's workers do: prove one file, or some random architectures; each gives one `ProofResult`."""

from __future__ import annotations

import contextlib
import logging
import shlex
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Flaky

from equivalence.architectures import Architecture, architectures
from equivalence.compare import Difference
from equivalence.conditions import conditions
from equivalence.harness import LEVELS
from equivalence.proof import Run, prove
from equivalence.result import LevelResult, ProofResult
from equivalence.session import BUNDLE, IN_MEMORY, prove_pair
from equivalence.subjects import era_told_by, pair_of
from migrate import cli
from modules.errors import MettaError

logger = logging.getLogger(__name__)
ARCHITECTURE = "architecture.yaml"
SHRINKING = 60.0
"""Seconds for making a failing architecture smaller: each try builds an old agent."""


@dataclass(frozen=True)
class Task:
    """One proof.

    Attributes:
        levels: keys of `LEVELS`.
        examples: inputs per level.
        seed: of the inputs, and of architectures.
        budget: seconds; None for as long as it takes.
        controls: whether negative controls run.
        folder: for what reproduces a difference.
        file: config or policy; None for random architectures.
        architectures: how many of them.
    """

    levels: tuple[str, ...]
    examples: int
    seed: int
    budget: float | None
    controls: bool
    folder: Path
    file: Path | None = None
    architectures: int = 0

    @property
    def name(self) -> str:
        """As reports call it."""
        return str(self.file) if self.file else f"{self.architectures} random architectures, seed {self.seed}"


@dataclass(frozen=True)
class Refusal:
    """A file that cannot be migrated, or that the old stack does not build."""

    file: str
    reason: str
    exit_code: int


def perform(task: Task) -> ProofResult | Refusal:
    """Runs a task; a file that cannot be used is a result too."""
    if task.file is None:
        return _prove_architectures(task)
    try:
        pair = pair_of(task.file)
    except MettaError as error:
        return Refusal(task.name, str(error), cli.exit_code_of(error))
    except Exception as error:  # noqa: BLE001 - a result like any other
        return _broken(task, "building", error)
    try:
        return prove_pair(
            pair,
            _run(task),
            levels=task.levels,
            old=task.name,
            reproduce=_command(task.file, task),
            bundle=task.folder / BUNDLE,
        )
    except Exception as error:  # noqa: BLE001 - likewise
        return _broken(task, "proving", error)


def _command(file: Path, task: Task) -> str:
    """What proves a file alone, in the same way."""
    told = era_told_by(file)
    era = [] if told is None else ["--era", told]
    numbers = ["--examples", str(task.examples), "--seed", str(task.seed)]
    return shlex.join(["python", "-m", "equivalence", str(file), *era, *numbers])


def _broken(task: Task, doing: str, error: Exception) -> ProofResult:
    """An unexpected error as a result, so that it is not the end of all other tasks."""
    result = ProofResult(task.name, IN_MEMORY, "bitwise", task.seed, task.examples, {}, [], [], "")
    result.levels = [_error(task.levels[0], doing, error)]
    return result


def _error(level: str, doing: str, error: Exception) -> LevelResult:
    logger.debug("a proof ended in an error", exc_info=error)
    difference = Difference("error", doing, f"{type(error).__name__}: {error}")
    return LevelResult(level, LEVELS[level].purpose, differences=[difference])


def _run(task: Task) -> Run:
    deadline = None if task.budget is None else time.monotonic() + task.budget
    return Run(task.examples, task.seed, controls=task.controls, deadline=deadline)


def _prove_architectures(task: Task) -> ProofResult:
    started = time.perf_counter()
    totals = {level: LevelResult(level) for level in task.levels}
    failed: list[Any] = []
    result = ProofResult(task.name, IN_MEMORY, "bitwise", task.seed, task.examples, {}, [], [], "")

    @seed(task.seed)
    @settings(
        max_examples=task.architectures, database=None, deadline=None, phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck), report_multiple_bugs=False,
    )  # fmt: skip
    @given(architectures())
    def attempt(architecture: Architecture) -> None:
        if failed and time.perf_counter() > failed[0] + SHRINKING:
            if architecture == failed[1]:  # Hypothesis shows it once more, and calls it flaky if it passes
                raise AssertionError
            return
        found = _prove_architecture(architecture, task, result)
        _add(totals, found)
        if any(level.differences for level in found):
            failed[:] = [failed[0] if failed else time.perf_counter(), architecture]
            result.levels = found
            task.folder.mkdir(parents=True, exist_ok=True)
            (task.folder / ARCHITECTURE).write_text(architecture.text, encoding="utf-8")
            raise AssertionError

    with contextlib.suppress(AssertionError, Flaky):
        attempt()
    result.bundle = str(task.folder) if failed else None
    result.levels = result.levels or list(totals.values())
    result.seconds = time.perf_counter() - started
    return result


def _prove_architecture(architecture: Architecture, task: Task, result: ProofResult) -> list[LevelResult]:
    """All levels; an agent that cannot be built, or a proof that ends in an error, is a difference too."""
    doing = "building"
    try:
        pair = architecture.build()
        if not result.conditions:
            result.conditions = conditions(pair)
        doing = "proving"
        return prove(pair, levels=task.levels, run=Run(task.examples, architecture.seed, controls=False))
    except Exception as error:  # noqa: BLE001 - likewise
        return [_error(task.levels[0], doing, error)]


def _add(totals: dict[str, LevelResult], found: Iterable[LevelResult]) -> None:
    for level in found:
        total = totals[level.level]
        total.purpose = level.purpose
        total.examples += level.examples
        total.compared += level.compared
        total.failed_alike += level.failed_alike
        total.failure = total.failure or level.failure
        total.seconds += level.seconds
