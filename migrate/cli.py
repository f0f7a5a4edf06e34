"""What the two commands share: arguments, safe writing, messages, exit codes."""

from __future__ import annotations

import argparse
import json
import logging
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from rich.console import Console
from rich.markup import escape

from migrate.errors import MigrationError, UnusableFileError, UsageError
from modules.errors import MettaError
from modules.policy_file import write_atomically

DONE, FOUND, UNUSABLE, UNSAFE, USAGE, PARTLY = range(6)
console = Console(stderr=True, highlight=False, soft_wrap=True)
logger = logging.getLogger("migrate")


class Parser(argparse.ArgumentParser):
    """Ends with the exit code for wrong usage."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        console.print(f"[red]error[/red]: {escape(message)}")
        raise SystemExit(USAGE)


def common_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of both commands."""
    parser.add_argument("-o", "--output", type=path_of, help="file to write (only with a single input)")
    parser.add_argument("--to", choices=("modules", "legacy"), default="modules", help="the stack to go to")
    parser.add_argument("--era", help="take the file for one of this era instead of recognising it")
    parser.add_argument("--force", action="store_true", help="replace an output file that differs")
    parser.add_argument("--json", action="store_true", help="machine-readable result on standard output")
    parser.add_argument("-v", "--verbose", action="store_true", help="say more")


def path_of(text: str) -> Path:
    """A path that was given; the empty text of an unset variable is none, though `Path` takes it for this folder."""
    if not text:
        raise argparse.ArgumentTypeError("a path is empty")
    return Path(text)


class Targets:
    """Which input of a batch each output is of: none is of two."""

    def __init__(self) -> None:
        self._sources: dict[Path, Path] = {}

    def claim(self, target: Path, source: Path) -> None:
        """Takes `target` for `source`.

        Raises:
            UsageError: "is the output of ...".
        """
        first = self._sources.setdefault(target.resolve(), source)
        if first.resolve() != source.resolve():
            raise UsageError(f"is the output of {first}", where=target, fix="migrate one of both with -o")


def write(files: Mapping[Path, bytes], *, force: bool) -> list[str]:
    """Writes all files, each whole, or none.

    Returns:
        Per file `written`, or `unchanged` where it has this content already.

    Raises:
        UsageError: a file exists and differs.
        UnusableFileError: a place cannot be written to.
    """
    outcomes = {path: _would_be(path, data, force=force) for path, data in files.items()}
    try:
        write_atomically({path: data for path, data in files.items() if outcomes[path] == "written"})
    except OSError as error:
        raise _unwritable(" and ".join(map(str, files)), error) from error
    return list(outcomes.values())


def _would_be(path: Path, data: bytes, *, force: bool) -> str:
    try:
        if not path.exists():
            return "written"
        if not path.is_file() and not path.is_dir():
            raise UnusableFileError("is no regular file", where=path, fix="choose another place with -o")
        if path.read_bytes() == data:
            return "unchanged"
    except OSError as error:
        raise _unwritable(path, error) from error
    if not force:
        raise UsageError("exists and differs", where=path, fix="give --force to replace it, or another name with -o")
    return "written"


def _unwritable(where: object, error: OSError) -> UnusableFileError:
    return UnusableFileError(
        f"cannot be written: {error.strerror or error}", where=where, fix="choose another place with -o"
    )


def read_text(path: Path) -> str:
    """A text file in UTF-8, line ends as they are.

    Raises:
        UnusableFileError: missing, or not UTF-8.
    """
    try:
        return path.read_bytes().decode("utf-8")
    except OSError as error:
        raise UnusableFileError(
            f"cannot be read: {error.strerror or error}", where=path, fix="check the path"
        ) from error
    except UnicodeDecodeError as error:
        raise UnusableFileError(f"is not UTF-8: {error}", where=path, fix="give a YAML text file") from error


def run(inputs: Sequence[Path], work: Callable[[Path], dict[str, Any]], *, as_json: bool) -> int:
    """Works on every input; one that fails does not stop the others.

    Args:
        inputs: the files.
        work: does one file; its result has `exit_code` where it is not 0.
        as_json: prints the results to standard output.

    Returns:
        The exit code of the whole.
    """
    results: list[dict[str, Any]] = []
    for path in inputs:
        try:
            results.append({"file": str(path), "exit_code": DONE, **work(path)})
        except Exception as error:
            logger.debug("failed", exc_info=True)
            message = _message(error, path)
            console.print(f"[red]error[/red]: {escape(message)}")
            results.append({"file": str(path), "exit_code": exit_code_of(error), "error": message})
    if as_json:
        sys.stdout.write(json.dumps(results if len(results) != 1 else results[0], indent=2) + "\n")
    return _exit_code({int(result["exit_code"]) for result in results})


def exit_code_of(error: Exception) -> int:
    """The exit code of a command that an error ends."""
    return error.exit_code if isinstance(error, MigrationError) else UNUSABLE


def _message(error: Exception, path: Path) -> str:
    if not isinstance(error, MettaError):
        what = f"{path}: {type(error).__name__}: {error}"
        if (own := _own_line(error)) is not None:
            return f"{what}\n  -> it comes out of a file of your own, {own}; -v shows how"
        return f"{what}\n  -> this is a mistake of this program; -v shows where, please report it"
    return str(error) if str(path) in str(error) else f"{path}: {error}"


def _own_line(error: Exception) -> str | None:
    """The last line that an error went through in files that users put beside ours (docs/new_component.md)."""
    names = ("legacy.layers", "modules.layers", "migrate.rules", "equivalence.cases")
    rooms = [sys.modules.get(name) for name in names]
    folders = [Path(folder).resolve() for room in rooms if room is not None for folder in [*room.__path__][1:]]
    lines = [(frame.filename, frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
    if isinstance(error, SyntaxError):
        lines.append((error.filename or "", error.lineno))
    own = [f"{file}:{line}" for file, line in lines if Path(file).resolve().parent in folders]
    return own[-1] if own else None


def _exit_code(codes: set[int]) -> int:
    """Of a batch: unsafe above all; partly done where some files are and others are not."""
    failed, through = codes - {DONE, FOUND}, codes & {DONE, FOUND}
    if UNSAFE in failed:
        return UNSAFE
    if failed and through:
        return PARTLY
    return min(failed, default=max(through, default=DONE))


def start_logging(*, verbose: bool) -> None:
    """Log lines go to standard error."""
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.WARNING, format="%(levelname)s %(name)s: %(message)s"
    )
