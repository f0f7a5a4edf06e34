"""What the commands of this package share: types of options, and the bar that shows how far they are."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from migrate import cli

SEEDS = 2**63
UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}


def duration(text: str) -> float:
    """Seconds of `60`, `60s`, `5m` or `2h`."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text)
    if match is None or not float(match[1]):
        raise argparse.ArgumentTypeError(f"{text!r} is no time; write 60s, 5m or 2h")
    return float(match[1]) * UNITS[match[2] or "s"]


def positive(text: str) -> int:
    """A number of things, at least 1."""
    return _at_least(1, text)


def counted(text: str) -> int:
    """A number of things, perhaps none."""
    return _at_least(0, text)


def seed(text: str) -> int:
    """A number that a generator takes."""
    value = _at_least(0, text)
    if value >= SEEDS:
        raise argparse.ArgumentTypeError(f"must be below {SEEDS}, got {text!r}")
    return value


def _at_least(least: int, text: str) -> int:
    if not text.isdecimal() or int(text) < least:
        raise argparse.ArgumentTypeError(f"must be a whole number, at least {least}; got {text!r}")
    return int(text)


def folder(text: str) -> Path:
    """A folder that is there, or can be made."""
    path = Path(text)
    taken = next((place for place in (path, *path.parents) if place.exists() and not place.is_dir()), None)
    if taken is not None:
        raise argparse.ArgumentTypeError(f"{taken} is a file; name a folder")
    return path


def progress_bar() -> Progress:
    """A bar for examples or files, on standard error, gone when it is done."""
    columns = (TextColumn("{task.description:<12}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=cli.console, transient=True)
