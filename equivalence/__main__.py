"""`python -m equivalence OLD [NEW]`: proves that a policy or a config does the same in both stacks."""

from __future__ import annotations

import argparse
import json
import platform
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from rich.markup import escape
from rich.table import Table

from equivalence.finding import Pair
from equivalence.harness import LEVELS
from equivalence.pairs import pair_of_files
from equivalence.proof import LevelResult, prove
from migrate import cli
from migrate.errors import MigrationError
from modules.errors import MettaError

SHOWN = 5
EXAMPLES = """examples:
  python -m equivalence model_0100.pt                           old file in the old stack, the same migrated in memory
  python -m equivalence model_0100.pt model_0100.safetensors    old file against the migrated one
  python -m equivalence simple.yaml                             fresh agents from one seed
"""


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
    result.add_argument("--level", action="append", choices=list(LEVELS), help="only this level (repeatable)")
    result.add_argument("--examples", type=int, default=25, metavar="N", help="inputs per level (25)")
    result.add_argument("--seed", type=int, default=0, metavar="S", help="other inputs (0)")
    result.add_argument("--json", action="store_true", help="machine-readable result on standard output")
    return result


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command.

    Returns:
        0 equal, 1 different, 2 cannot be used, 3 refused as unsafe, 4 wrong usage.
    """
    args = parser().parse_args(argv)
    if args.examples < 1:
        parser().error("--examples must be at least 1")
    torch.set_num_threads(1)
    try:
        pair = pair_of_files(args.old, args.new)
    except MettaError as error:
        cli.console.print(f"[red]error[/red]: {escape(str(error))}")
        return error.exit_code if isinstance(error, MigrationError) else cli.UNUSABLE
    with cli.console.status("proving") as status:
        results = prove(
            pair,
            levels=args.level or tuple(LEVELS),
            examples=args.examples,
            base_seed=args.seed,
            progress=lambda level: status.update(f"proving: {level}"),
        )
    equal = all(result.equal for result in results)
    show(args.old, args.new, pair, results)
    if args.json:
        report = {"equal": equal, "environment": environment(), "levels": [result.to_dict() for result in results]}
        sys.stdout.write(json.dumps(report, indent=2) + "\n")
    return cli.DONE if equal else cli.FOUND


def environment() -> dict[str, Any]:
    """What bits depend on."""
    return {
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "default_dtype": str(torch.get_default_dtype()),
    }


def show(old: Path, new: Path | None, pair: Pair, results: Sequence[LevelResult]) -> None:
    """The verdict, for people."""
    table = Table(
        title=f"{old.name} (legacy) against {new.name if new else 'itself, migrated'} (modules)", title_justify="left"
    )
    for heading, justify in (
        ("level", "left"),
        ("inputs", "right"),
        ("values compared", "right"),
        ("verdict", "left"),
    ):
        table.add_column(heading, justify=justify)  # type: ignore[arg-type]  # a literal in rich's types
    for result in results:
        table.add_row(result.level, str(result.examples), str(result.compared), _verdict(result))
    cli.console.print(table)
    for result in results:
        if result.differences:
            explain(pair, result)
    facts = ", ".join(f"{key} {value}" for key, value in environment().items())
    cli.console.print(f"{len(pair.order)} components, {len(pair.names)} tensors of state; {facts}")


def _verdict(result: LevelResult) -> str:
    if result.differences:
        words = f"[red]{len(result.differences)} differences[/red]"
    else:
        words = "[green]bitwise equal[/green]" if result.equal else "[red]nothing was compared[/red]"
    return f"{words} ({result.failed_alike} passes fail on both sides)" if result.failed_alike else words


def explain(pair: Pair, result: LevelResult) -> None:
    """Where a difference begins, and on which input."""
    cli.console.print(f"[red]{result.level}[/red] differs, smallest input: {result.failing}")
    for name in pair.order if result.blamed else ():
        mark = "[red]> [/red]" if name == result.blamed else "  "
        cli.console.print(f"  {mark}{escape(name)} ({type(pair.new.get_submodule(f'components.{name}')).__name__})")
    for difference in result.differences[:SHOWN]:
        cli.console.print(f"  {escape(str(difference))}")
    if len(result.differences) > SHOWN:
        cli.console.print(f"  and {len(result.differences) - SHOWN} more")


if __name__ == "__main__":
    raise SystemExit(main())
