"""`python -m equivalence OLD [NEW]`: proves that a policy or a config does the same in both stacks."""

from __future__ import annotations

import argparse
import importlib
import shlex
import sys
import time
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

import torch
from rich.markup import escape

from equivalence.harness import LEVELS
from equivalence.observations import NAMES, read_observations
from equivalence.options import duration, folder, positive, progress_bar, seed
from equivalence.pairs import pair_of_files
from equivalence.policy import BITWISE, POLICIES
from equivalence.proof import Run
from equivalence.report import write_reports
from equivalence.report_json import render_json
from equivalence.report_terminal import show
from equivalence.result import DIFFERENT, EQUAL, ProofResult
from equivalence.session import BUNDLE, IN_MEMORY, prove_pair
from migrate import cli
from modules.errors import MettaError

EXAMPLES = """examples:
  python -m equivalence model_0100.pt                           old file in the old stack, the same migrated in memory
  python -m equivalence model_0100.pt model_0100.safetensors    old file against the migrated one
  python -m equivalence simple.yaml                             fresh agents from one seed
  python -m equivalence model_0100.pt --report proof            and a page for those who were not there

other commands (each has --help):
  python -m equivalence suite DIR ...    every config and policy in some folders, and random architectures
  python -m equivalence selftest         the harness on trial: planted faults, and how many are found
  python -m equivalence alarms           the harness on trial: equal agents, and how often it cries wolf
  python -m equivalence throughput       comparisons per second, and the harness's share of the time
"""
COMMANDS = ("suite", "selftest", "alarms", "throughput")
REPORT = Path("equivalence-report")


def parser() -> argparse.ArgumentParser:
    """The command line."""
    result = cli.Parser(
        "python -m equivalence",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    result.add_argument("old", type=Path, metavar="OLD", help="policy or config for the old stack")
    result.add_argument(
        "new", type=Path, nargs="?", metavar="NEW", help="policy or config for the new stack (OLD, migrated)"
    )
    add_options(result)
    result.add_argument(
        "--era", metavar="ERA", help="of old files that do not tell it, such as E5d or 2025-06-10 (NEW's)"
    )
    result.add_argument(
        "--observations",
        type=Path,
        metavar="FILE",
        help=f"recorded ones, in a .safetensors ({', '.join(NAMES)})",
    )
    result.add_argument(
        "--report", type=folder, metavar="DIR", help=f"folder for the reports (on a difference: {REPORT})"
    )
    result.add_argument("--json", action="store_true", help="machine-readable result on standard output")
    return result


def add_options(command: argparse.ArgumentParser, examples: int = 25) -> None:
    """The options of every command that proves."""
    command.add_argument("--level", action="append", choices=list(LEVELS), help="only this level (repeatable)")
    command.add_argument(
        "--examples", type=positive, default=examples, metavar="N", help=f"inputs per level ({examples})"
    )
    command.add_argument("--seed", type=seed, default=0, metavar="S", help="other inputs (0)")
    command.add_argument("--budget", type=duration, metavar="TIME", help="stop after so long, such as 60s, 5m or 2h")
    command.add_argument("--policy", choices=POLICIES, default=BITWISE, help=f"what equal means ({BITWISE})")
    command.add_argument(
        "--no-controls", action="store_true", help="leave the negative controls out, for half the time"
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command.

    Returns:
        0 equal, 1 different or inconclusive, 2 cannot be used, 3 refused as unsafe, 4 wrong usage.
    """
    words = sys.argv[1:] if argv is None else list(argv)
    torch.set_num_threads(1)
    if words and words[0] in COMMANDS:
        return int(importlib.import_module(f"equivalence.{words[0]}").main(words[1:]))
    args = parser().parse_args(words)
    if not args.old.exists() and (meant := get_close_matches(str(args.old), COMMANDS, 1)):
        parser().error(f"there is no file {args.old}; the command is called {meant[0]}")
    try:
        result = _prove(args, words)
    except MettaError as error:
        cli.console.print(f"[red]error[/red]: {escape(str(error))}")
        return cli.exit_code_of(error)
    reports = args.report or (REPORT if result.verdict == DIFFERENT else None)
    written: Sequence[Path] = ()
    unwritable: OSError | None = None
    try:
        written = write_reports(result, reports) if reports else ()
    except OSError as error:
        unwritable = error
    show(result, cli.console, written)
    if args.json:
        sys.stdout.write(render_json(result).decode())
    if unwritable is not None:
        cli.console.print(f"[red]error[/red]: the reports cannot be written: {escape(str(unwritable))}")
        return cli.UNUSABLE
    return cli.DONE if result.verdict == EQUAL else cli.FOUND


def _prove(args: argparse.Namespace, words: Sequence[str]) -> ProofResult:
    pair = pair_of_files(args.old, args.new, args.era)
    recorded = read_observations(args.observations, pair.sizes) if args.observations else None
    levels = args.level or tuple(LEVELS)
    with progress_bar() as bar:
        task = bar.add_task("proving", total=sum(LEVELS[level].examples(args.examples) for level in levels))
        return prove_pair(
            pair,
            Run(
                examples=args.examples,
                seed=args.seed,
                policy=args.policy,
                controls=not args.no_controls,
                recorded=recorded,
                deadline=time.monotonic() + args.budget if args.budget else None,
                progress=lambda level, _: bar.update(task, advance=1, description=level),
            ),
            levels=levels,
            old=str(args.old),
            new=str(args.new) if args.new else IN_MEMORY,
            reproduce=shlex.join(["python", "-m", "equivalence", *words]),
            bundle=(args.report or REPORT) / BUNDLE,
        )


if __name__ == "__main__":
    raise SystemExit(main())
