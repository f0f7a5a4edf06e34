"""`python -m benchmarks`: measures, writes JSON and docs/performance.md, and judges by the bounds."""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

import torch
from rich.markup import escape

from benchmarks import building, gate, memory, overhead, page, parallel, report, speed, threads
from benchmarks.bounds import without_figure
from benchmarks.measure import Measure
from benchmarks.result import Result, environment
from benchmarks.rounds import QUICK, Effort
from migrate import cli
from migrate.errors import UnusableFileError
from modules.policy_file import write_atomically

DOCS = Path(__file__).resolve().parent.parent / "docs" / "performance.md"
EVERY: tuple[Measure, ...] = tuple(
    measure for part in (speed, memory, overhead, building, parallel, threads) for measure in part.measures()
)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command.

    Returns:
        0, or with `--gate` 1 where a bound is missed twice; 4 for wrong usage.
    """
    args = _arguments(argv)
    if args.list:
        sys.stdout.writelines(f"{measure.name}\n" for measure in EVERY)
        return cli.DONE
    torch.set_num_threads(1)
    try:
        result = Result.from_json(cli.read_text(args.read)) if args.read else _measure(args)
    except (ValueError, UnusableFileError) as error:
        cli.console.print(f"[red]error[/red]: {escape(str(error))}")
        return cli.UNUSABLE
    _write(args, result)
    if not args.gate:
        return cli.DONE
    absent = [] if args.only else without_figure(result.figures)
    report.show_verdict(result.figures, absent)
    return cli.FOUND if absent or gate.missed(result.figures) else cli.DONE


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    command = cli.Parser("python -m benchmarks", description=__doc__)
    command.add_argument("--gate", action="store_true", help="end with 1 where a bound is missed, after one retry")
    command.add_argument("--docs", action="store_true", help="write docs/performance.md, and .json beside it")
    command.add_argument("--json", type=Path, metavar="FILE", help="write the result there")
    command.add_argument("--from", dest="read", type=Path, metavar="FILE", help="read a result instead of measuring")
    command.add_argument("--only", metavar="PATTERN", help="measures by name, such as 'speed/simple/*'")
    command.add_argument("--quick", action="store_true", help="few short rounds: to see that it works, no more")
    command.add_argument("--list", action="store_true", help="print the names of all measures")
    args = command.parse_args(argv)
    if args.docs and (args.quick or args.only):
        command.error("--docs is for a whole run: leave --quick and --only out")
    if args.only and not _chosen(args.only):
        command.error(f"--only {args.only!r} is no measure; see --list")
    return args


def _chosen(pattern: str | None) -> list[Measure]:
    return [measure for measure in EVERY if pattern is None or fnmatchcase(measure.name, pattern)]


def _measure(args: argparse.Namespace) -> Result:
    measures, effort = _chosen(args.only), QUICK if args.quick else Effort()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with report.progress(len(measures)) as watch:
            figures = gate.run(measures, effort, watch)
        again = gate.to_repeat(measures, figures) if args.gate else []
        if again:
            cli.console.print(f"{len(gate.missed(figures))} figures miss their bounds: measuring these once more")
            with report.progress(len(again)) as watch:
                figures = gate.retry(measures, figures, effort, watch)
    report.show(figures)
    # As it will be read again: figures have no more digits than are written.
    return Result.from_json(Result(environment(), effort, figures).to_json())


def _write(args: argparse.Namespace, result: Result) -> None:
    files = {args.json: result.to_json()} if args.json else {}
    if args.docs:
        files |= {DOCS: page.render(result), DOCS.with_suffix(".json"): result.to_json()}
    for path, text in files.items():
        write_atomically({path: text.encode()})
        cli.console.print(f"written {escape(path.name)}")


if __name__ == "__main__":
    sys.exit(main())
