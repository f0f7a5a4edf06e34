"""Finds the rules by file name, and looks them up by old or new class."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

import migrate.rules
from migrate.eras import Era, below_root
from migrate.errors import UnusableFileError
from migrate.refused import BRANCH_ONLY, is_branch_only, why_refused
from migrate.rule import Rule

LAYERS = {"legacy": "legacy.layers.", "modules": "modules.layers."}


@cache
def rules() -> dict[str, Rule]:
    """Every rule, by stem."""
    stems = sorted(module.name for module in pkgutil.iter_modules(migrate.rules.__path__))
    return {stem: importlib.import_module(f"migrate.rules.{stem}").RULE for stem in stems}


@cache
def _by_old() -> dict[str, str]:
    return {f"{rule.root}{rule.old}": stem for stem, rule in rules().items()}


def has_rule(path: str) -> bool:
    """Whether a rule takes the old class `path`."""
    return below_root(path) in _by_old()


def old_path(stem: str, era: Era) -> str:
    """Path of the old class in `era`."""
    rule = rules()[stem]
    return f"{rule.root or era.root}{rule.old}"


def stem_of_old(path: str, where: object) -> str:
    """The stem whose rule takes the old class `path`.

    Raises:
        UnusableFileError: "no rule for ..." for classes of users, and with the reason for those that are refused on
            purpose or known from branches alone.
    """
    name = below_root(path)
    if name != path and (reason := why_refused(name)):
        raise UnusableFileError(
            f"no rule for the class {path}: {reason}",
            where=where,
            fix="write a component of your own that does what was meant (docs/new_component.md), and use it instead",
        )
    stem = _by_old().get(name)
    if stem is None:
        reason = f": {BRANCH_ONLY}" if name != path and is_branch_only(name) else ""
        raise UnusableFileError(
            f"no rule for the class {path}{reason}",
            where=where,
            fix="write migrate/rules/<stem>.py with its module and case (docs/new_component.md), or keep the old stack",
        )
    return stem


def stem_of_new(target: str, where: object) -> str:
    """The stem of a new class path, `modules.layers.<stem>.<class>`.

    Raises:
        UnusableFileError: "no rule for ...".
    """
    stem, _, name = target.removeprefix(LAYERS["modules"]).partition(".")
    rule = rules().get(stem)
    if rule is None or rule.new != name:
        raise UnusableFileError(
            f"no rule for the class {target}", where=where, fix="it has no counterpart in the old stack"
        )
    return stem


def new_target(stem: str) -> str:
    """Path of the new class."""
    return f"{LAYERS['modules']}{stem}.{rules()[stem].new}"


def legacy_versions(stem: str) -> list[str]:
    """Paths of our own old classes, those of all eras."""
    rule = rules()[stem]
    names = [name for _, name in rule.legacy] or [rule.old.rpartition(".")[2]]
    return [f"{LAYERS['legacy']}{stem}.{name}" for name in names]


@cache
def legacy_parts() -> dict[str, str]:
    """Old class that is a part of some component, below the import root -> our own."""
    return {old: f"{LAYERS['legacy']}{stem}.{new}" for stem, rule in rules().items() for old, new in rule.parts.items()}


def legacy_target(stem: str, era: Era) -> str:
    """Path of our own old class, in the version of `era`."""
    return f"{LAYERS['legacy']}{stem}.{rules()[stem].legacy_class(era)}"
