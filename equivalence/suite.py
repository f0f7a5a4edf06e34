"""`python -m equivalence suite`: every config and policy in some folders, and random architectures, on all cores."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import as_completed
from dataclasses import dataclass
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from equivalence.harness import LEVELS
from equivalence.options import counted, duration, folder, positive, progress_bar, seed
from equivalence.report import report_folder, write_summary
from equivalence.report_words import sentence
from equivalence.result import DIFFERENT, EQUAL, ProofResult
from equivalence.subjects import subjects
from equivalence.tasks import Refusal, Task, perform
from equivalence.workers import CORES, workers
from migrate import cli

REPORT = Path("equivalence-report")
PARTLY = 5
PER_TASK = 10
"""Architectures in one task."""


@dataclass(frozen=True)
class Profile:
    """How thorough a suite is.

    Attributes:
        examples: inputs per level of each file.
        architectures: random agents.
        each: inputs per level of each of them.
        budget: seconds per file; None for as long as it takes.
        slow_every: slow levels are tried on every n-th file, beginning with the first.
    """

    examples: int
    architectures: int
    each: int
    budget: float | None
    slow_every: int = 1

    def __str__(self) -> str:
        time = "as long as it takes" if self.budget is None else f"{self.budget:g} s a file"
        slow = "" if self.slow_every == 1 else f" (slow levels: every {self.slow_every}th file)"
        return f"{self.examples} inputs per level{slow}, {self.architectures} random agents, {time}"


# Five levels try as many inputs as are asked for, so that 400 of each are 2000 per file, and the other levels' besides.
PROFILES = {"ci": Profile(10, 20, 2, 4, slow_every=6), "nightly": Profile(400, 1000, 4, None)}


def parser() -> argparse.ArgumentParser:
    """The command line."""
    result = cli.Parser("python -m equivalence suite", description=__doc__)
    result.add_argument(
        "places", nargs="*", type=Path, metavar="PLACE", help="files, or folders with configs and policies"
    )
    result.add_argument(
        "--profile",
        choices=list(PROFILES),
        default="ci",
        help=f"{'; '.join(f'{name}: {profile}' for name, profile in PROFILES.items())} (ci)",
    )
    result.add_argument("--level", action="append", choices=list(LEVELS), help="only this level (repeatable)")
    result.add_argument("--examples", type=positive, metavar="N", help="inputs per level of each file (the profile's)")
    result.add_argument("--architectures", type=counted, metavar="N", help="random agents (the profile's)")
    result.add_argument(
        "--budget", type=duration, metavar="TIME", help="per file, such as 60s, 5m or 2h (the profile's)"
    )
    result.add_argument("--seed", type=seed, default=0, metavar="S", help="other inputs, other architectures (0)")
    result.add_argument("--jobs", type=positive, default=CORES, metavar="N", help="processes (all cores)")
    result.add_argument("--no-controls", action="store_true", help="leave the negative controls out")
    result.add_argument(
        "--report", type=folder, metavar="DIR", help=f"folder for the reports (if not all is equal: {REPORT})"
    )
    result.add_argument("--json", action="store_true", help="machine-readable result on standard output")
    return result


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command.

    Returns:
        0 where all is equal, 1 where something differs or could not be compared, 2 where nothing could be used, 3 where
        a file is unsafe, 5 where all is equal that could be, 4 wrong usage.
    """
    args = parser().parse_args(argv)
    tasks = list(plan(args))
    if not tasks:
        parser().error("nothing to prove: name a folder with configs or policies, or ask for --architectures")
    found = sorted(_performed(tasks, args.jobs), key=lambda pair: pair[0])
    results = [each for _, each in found if isinstance(each, ProofResult)]
    refusals = [each for _, each in found if isinstance(each, Refusal)]
    equal = all(result.verdict == EQUAL for result in results)
    reports = args.report or (None if equal else REPORT)
    show(results, refusals)
    if reports is not None:
        write_summary(results, reports)
        cli.console.print(f"reports: {escape(str(reports / 'index.html'))}")
    if args.json:
        sys.stdout.write(json.dumps(_summary(results, refusals), indent=2) + "\n")
    if any(refusal.exit_code == cli.UNSAFE for refusal in refusals):
        return cli.UNSAFE
    if not results:
        return cli.UNUSABLE
    return cli.FOUND if not equal else PARTLY if refusals else cli.DONE


def plan(args: argparse.Namespace) -> Iterator[Task]:
    """Every proof: files in their order, then random agents, some at a time."""
    profile = PROFILES[args.profile]
    root = args.report or REPORT
    budget = args.budget if args.budget is not None else profile.budget
    for number, file in enumerate(subjects(args.places)):
        place = root / report_folder(number, ProofResult(str(file), "", "", 0, 0, {}, [], [], ""))
        levels = _levels(args, with_slow=number % profile.slow_every == 0)
        yield Task(levels, args.examples or profile.examples, args.seed, budget, not args.no_controls, place, file)
    count = profile.architectures if args.architectures is None else args.architectures
    for number in range(-(-count // PER_TASK)):
        share = min(PER_TASK, count - number * PER_TASK)
        place = root / f"architectures-{number:03d}"
        seed = args.seed * 1_000_000 + number
        yield Task(_levels(args, with_slow=True), profile.each, seed, None, False, place, None, share)


def _levels(args: argparse.Namespace, *, with_slow: bool) -> tuple[str, ...]:
    """The levels that are asked for, else all, or all but the slow ones."""
    return tuple(args.level or (name for name, level in LEVELS.items() if with_slow or not level.slow))


def _performed(tasks: Sequence[Task], jobs: int) -> Iterator[tuple[int, ProofResult | Refusal]]:
    with progress_bar() as bar, workers(jobs) as pool:
        waiting = {pool.submit(perform, task): number for number, task in enumerate(tasks)}
        row = bar.add_task("proving", total=len(tasks))
        for count, done in enumerate(as_completed(waiting), start=1):
            bar.update(row, advance=1)
            result = done.result()
            if not cli.console.is_terminal:
                cli.console.print(f"{count} of {len(tasks)}: {escape(_outcome(result))}")
            yield waiting[done], result


def _outcome(result: ProofResult | Refusal) -> str:
    """A line for a log, which shows no bar."""
    if isinstance(result, Refusal):
        return f"{result.file}: refused"
    line = f"{result.old}: {result.verdict}, {result.seconds:.0f} s"
    return line if result.verdict == EQUAL else f"{line}. {_told(result)}"


def _told(result: ProofResult) -> str:
    """What is wrong, and the first difference, which for a random agent may be all that there is."""
    first = next((str(found) for level in result.levels for found in level.differences), "")
    return f"{sentence(result)} {first}".rstrip()


def show(results: Sequence[ProofResult], refusals: Sequence[Refusal]) -> None:
    """One row per proof, then the refused files, then the totals."""
    table = Table(title="suite", title_justify="left")
    for heading in ("what", "inputs", "values compared", "verdict", "seconds"):
        table.add_column(heading, justify="left" if heading in ("what", "verdict") else "right")
    for result in results:
        colour = "green" if result.verdict == EQUAL else "red"
        counts = (_inputs(result), _compared(result))
        verdict = f"[{colour}]{result.verdict}[/{colour}]"
        table.add_row(escape(result.old), *(f"{n:,}" for n in counts), verdict, f"{result.seconds:.0f}")
    cli.console.print(table)
    for result in results:
        if result.verdict != EQUAL:
            cli.console.print(f"[red]{escape(result.old)}[/red]: {escape(_told(result))}")
    for refusal in refusals:
        cli.console.print(f"[yellow]refused[/yellow] {escape(refusal.file)}: {escape(refusal.reason)}")
    totals = _summary(results, refusals)
    cli.console.print(
        f"{totals['equal']} of {len(results)} equal, {totals['different']} different, {len(refusals)} refused; "
        f"{totals['inputs']:,} inputs, {totals['compared']:,} values compared"
    )


def _inputs(result: ProofResult) -> int:
    return sum(level.examples for level in result.levels)


def _compared(result: ProofResult) -> int:
    return sum(level.compared for level in result.levels)


def _summary(results: Sequence[ProofResult], refusals: Sequence[Refusal]) -> dict[str, object]:
    verdicts = [result.verdict for result in results]
    return {
        "equal": verdicts.count(EQUAL),
        "different": verdicts.count(DIFFERENT),
        "inconclusive": len(verdicts) - verdicts.count(EQUAL) - verdicts.count(DIFFERENT),
        "refused": {each.file: each.reason for each in refusals},
        "inputs": sum(map(_inputs, results)),
        "compared": sum(map(_compared, results)),
        "proofs": [result.to_dict() for result in results],
    }
