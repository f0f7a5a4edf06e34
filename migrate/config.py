"""`python -m migrate.config old.yaml`: rewrites agent configs, and takes them back with `--to legacy`.

Only what must change is changed: comments, order and spelling stay. A footer of comments leads back to the old file.
"""

from __future__ import annotations

import argparse
import difflib
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.markup import escape

from migrate import cli
from migrate.config_rules import agent_node
from migrate.config_text import Migrated, to_legacy, to_modules
from migrate.errors import UsageError
from migrate.yaml_edit import Document

EXAMPLES = """examples:
  python -m migrate.config simple.yaml                   writes simple.modules.yaml beside it
  python -m migrate.config configs/agent/*.yaml --check  exit code 1 if any is to be migrated
  python -m migrate.config simple.yaml --diff            shows the change, writes nothing
  python -m migrate.config simple.modules.yaml --to legacy -o simple.yaml
"""
HAS_AGENT = re.compile(rb"^\s*components\s*:", re.MULTILINE)
SUFFIX = {"modules": ".modules.yaml", "legacy": ".legacy.yaml"}


def parser() -> argparse.ArgumentParser:
    """The command line."""
    result = cli.Parser(
        "python -m migrate.config",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    result.add_argument(
        "configs", nargs="+", type=cli.path_of, metavar="CONFIG", help="YAML file with an agent, or a folder of them"
    )
    cli.common_arguments(result)
    how = result.add_mutually_exclusive_group()
    how.add_argument("--check", action="store_true", help="write nothing; exit code 1 if a file is to be migrated")
    how.add_argument("--diff", action="store_true", help="write nothing; print the change to standard output")
    how.add_argument("--in-place", action="store_true", help="replace the file itself")
    return result


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command.

    Returns:
        0 done or nothing to do, 1 `--check` found something, 2 cannot be used, 4 wrong usage, 5 a batch partly done.
    """
    args = parser().parse_args(argv)
    cli.start_logging(verbose=args.verbose)
    files = [file for path in args.configs for file in _files(path, args.to)]
    if not files:
        parser().error(f"no YAML file with an agent in {', '.join(map(str, args.configs))}")
    if args.output and (len(files) != 1 or args.in_place):
        parser().error("-o needs a single config, and no --in-place")
    written = cli.Targets()
    return cli.run(files, lambda path: _migrate(path, args, written), as_json=args.json)


def _files(path: Path, to: str) -> list[Path]:
    """The YAML files of a folder that may hold an agent, without those that a migration wrote; a file as it is."""
    if not path.is_dir():
        return [path]
    written = tuple(SUFFIX.values()) if to == "modules" else (SUFFIX["legacy"],)
    found = [file for pattern in ("*.yaml", "*.yml") for file in path.rglob(pattern)]
    return sorted(file for file in found if not file.name.endswith(written) and _may_have_agent(file))


def _may_have_agent(file: Path) -> bool:
    """Of a file that cannot be read, it is told later that it cannot."""
    try:
        return not file.is_dir() and HAS_AGENT.search(file.read_bytes()) is not None
    except OSError:
        return True


def _migrate(path: Path, args: argparse.Namespace, written: cli.Targets) -> dict[str, Any]:
    """Does one file; `written` holds what became of those before it."""
    text = cli.read_text(path)
    migrate = to_legacy if args.to == "legacy" else to_modules
    result = migrate(text, str(path), args.era)
    if result.text == text:
        cli.console.print(f"{escape(str(path))}: nothing to do")
        return {"result": "nothing to do"}
    for note in result.notes:
        cli.console.print(f"{escape(str(path))}: [yellow]note[/yellow]: {escape(note)}")
    facts = {"era": result.era.name if result.era else None, "notes": list(result.notes), "exact": result.exact}
    if args.check:
        cli.console.print(f"{escape(str(path))}: is to be migrated to {args.to}")
        return {"result": "to be migrated", "exit_code": cli.FOUND, **facts}
    if args.diff:
        diff = _diff(path, text, result)
        if not args.json:
            sys.stdout.write(diff)
        return {"result": "diff", "diff": diff, **facts}
    target = path if args.in_place else args.output or _beside(path, args.to)
    if target.resolve() == path.resolve() and not args.in_place:
        raise UsageError("input and output are the same file", where=target, fix="give --in-place if you mean it")
    written.claim(target, path)
    (outcome,) = cli.write({target: result.text.encode()}, force=args.force or args.in_place)
    exact = {None: "", True: ", byte for byte the old file", False: ", rebuilt where it was edited"}[result.exact]
    cli.console.print(f"[green]{outcome}[/green] {escape(str(target))}{exact}")
    return {"result": outcome, "output": str(target), **facts}


def _beside(path: Path, to: str) -> Path:
    stem = path.name.removesuffix(path.suffix).removesuffix(".modules")
    return path.with_name(f"{stem}{SUFFIX[to]}")


def _diff(path: Path, text: str, result: Migrated) -> str:
    lines = difflib.unified_diff(
        text.splitlines(keepends=True), result.text.splitlines(keepends=True), str(path), f"{path} (migrated)"
    )
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def read_agent_config(path: Path) -> Mapping[str, Any]:
    """The agent of a YAML file, old or new, as plain values.

    Raises:
        UnusableFileError: a file that cannot be read, or has no agent.
    """
    return agent_node(Document.parse(cli.read_text(path), where=str(path)).data, path)[1]


if __name__ == "__main__":
    raise SystemExit(main())
