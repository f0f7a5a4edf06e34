"""What an old agent config may say besides its components; refused is what would mean something else afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from migrate import recognise
from migrate.agent_rules import FIXED
from migrate.eras import Era
from migrate.errors import UnusableFileError

ONLY_READ_BY_THE_NEW = (*FIXED, "actions")
"""Keys that change what the new agent computes, and that the old one swallowed like any other."""


def check_old_keys(agent: Mapping[str, Any], where: object) -> None:
    """Refuses keys of an old agent that would begin to say something in the new stack.

    Raises:
        UnusableFileError: "... is read by the new stack, and was not by the old one".
    """
    if read := [key for key in ONLY_READ_BY_THE_NEW if key in agent]:
        raise UnusableFileError(
            f"{', '.join(read)} is read by the new stack, and was not by the old one",
            where=where,
            fix="remove it, or give it another name if a program of yours reads it",
        )


def check_whole(data: Mapping[str, Any], path: tuple[str, ...], where: object) -> None:
    """Refuses an agent that Hydra lays over another one: what is written out for it would hide what that one says.

    Args:
        data: the file.
        path: where in it the agent stands.
        where: the file.

    Raises:
        UnusableFileError: "lies over ...".
    """
    defaults = data.get("defaults")
    entries = defaults if isinstance(defaults, list) else []
    if path:
        below = [str(value) for each in entries if isinstance(each, Mapping) for k, value in each.items() if k in path]
    else:
        below = [each for each in entries if isinstance(each, str) and each != "_self_"]
    if below:
        raise UnusableFileError(
            f"the agent lies over {', '.join(below)}, which may say more of the same components",
            where=where,
            fix="compose the agent (`--cfg job` prints it), and migrate that",
        )


def check_sources(component: Mapping[str, Any], era: Era, place: str) -> None:
    """Refuses sources in the words of another era, which only a told era can lead to.

    Raises:
        UnusableFileError: "names its sources by ...".
    """
    word = "name" if era.is_since("E4a") else "source_name"
    if any(word not in source for source in component.get("sources") or ()):
        other = "source_name" if word == "name" else "name"
        raise UnusableFileError(
            f"names its sources by `{other}`, which the code of {era.name} did not know",
            where=place,
            fix="give the era of the file, or none: the file says it",
        )


def check_class(path: str, name: str, era: Era, place: str) -> None:
    """Refuses an old class that there was not in an era, such as that of a component added after the migration.

    Raises:
        UnusableFileError: "cannot be said in the old stack of ...".
    """
    for clue in recognise.of_classes({name: path}):
        if not era.is_since(clue.since) or era.is_since(clue.before):
            raise UnusableFileError(
                f"cannot be said in the old stack of {era.name}, which had no {path}",
                where=place,
                fix="undo that change, or stay on `stack: modules`",
            )
