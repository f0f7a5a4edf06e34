"""`python -m equivalence.coverage`: writes docs/coverage.md: what each component was proved on, era by era."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from rich.markup import escape

from equivalence.coverage_page import render
from equivalence.coverage_real import Folder
from equivalence.coverage_rules import component_of
from migrate import cli
from migrate.registry import rules

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "coverage.md"
SHARED = ROOT.parent / "shared"
NEEDED = ("configs", "checkpoints", "golden")


def page(shared: Path) -> str:
    """The page, with the real files of a folder."""
    return render([component_of(stem) for stem in rules()], Folder(shared).files())


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command.

    Returns:
        0 written or current, 1 `--check` found it out of date, 2 there are no real files to count, 4 wrong usage.
    """
    parser = cli.Parser("python -m equivalence.coverage", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if the page is not current")
    parser.add_argument("--shared", type=Path, default=SHARED, metavar="FOLDER", help="the real files (../shared)")
    args = parser.parse_args(argv)
    name = PAGE.relative_to(ROOT).as_posix()
    if missing := [each for each in NEEDED if not (args.shared / each).is_dir()]:
        cli.console.print(
            f"[red]error[/red]: real files cannot be counted: {escape(str(args.shared))} has no {', '.join(missing)}"
        )
        return cli.UNUSABLE
    text = page(args.shared)
    current = PAGE.exists() and PAGE.read_text(encoding="utf-8") == text
    if args.check and not current:
        cli.console.print(f"[red]error[/red]: {name} is not current\n  -> run python -m equivalence.coverage")
        return cli.FOUND
    if not current:
        PAGE.write_text(text, encoding="utf-8")
    sys.stdout.write(f"{name}: {'current' if current else 'written'}\n")
    return cli.DONE


if __name__ == "__main__":
    raise SystemExit(main())
