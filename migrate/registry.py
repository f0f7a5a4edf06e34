"""Finds the rules by file name, and looks them up by old or new class."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from functools import cache
from typing import Any

import migrate.rules
from migrate.eras import Era, below_root
from migrate.errors import UnusableFileError
from migrate.refused import BRANCH_ONLY, is_branch_only, why_refused
from migrate.rule import REQUIRED, Rule, equal
from modules.builder import component_class
from modules.errors import MettaError

LAYERS = {"legacy": "legacy.layers.", "modules": "modules.layers."}


@cache
def rules() -> dict[str, Rule]:
    """Every rule, by stem."""
    found = [module.name for folder in migrate.rules.__path__ for module in pkgutil.iter_modules([folder])]
    if twice := [stem for stem in found if found.count(stem) > 1]:
        raise UnusableFileError(
            f"two files have the stem {twice[0]}, and one hides the other",
            where=f"migrate/rules/{twice[0]}.py",
            fix="give your own files another stem",
        )
    return {stem: importlib.import_module(f"migrate.rules.{stem}").RULE for stem in sorted(found)}


@cache
def _by_old() -> dict[str, str]:
    stems: dict[str, str] = {}
    for stem, rule in rules().items():
        other = stems.setdefault(path := f"{rule.root}{rule.old}", stem)
        if other != stem:
            raise UnusableFileError(
                f"the rules {other} and {stem} both take the class {path}",
                where=f"migrate/rules/{stem}.py",
                fix="a file does not tell which of two classes of one path it was made with: leave one rule",
            )
    return stems


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


@cache
def check_own(stem: str) -> None:
    """Refuses a rule of users that does not fit its new class; for ours, the tests do.

    Raises:
        UnusableFileError: no such class, an option that it does not take, or a default that it does not have.
    """
    rule, target = rules()[stem], new_target(stem)
    if not rule.root:
        return
    place = f"migrate/rules/{stem}.py"
    try:
        taken = _arguments(component_class(target))
    except MettaError as error:
        raise UnusableFileError(str(error), where=place, fix=f"write {target}, or correct `new`") from error
    for k in rule.keys + tuple(k for _, keys in rule.keys_before for k in keys):
        for name, default in zip(k.new, k.new_default, strict=True):
            if name not in taken:
                what, fix = f"{target} takes no {name!r}", f"it takes {', '.join(sorted(taken))}"
                raise UnusableFileError(what, where=place, fix=fix)
            if default is not REQUIRED and not equal(default, taken[name]):
                what = f"the new default of {name!r} is {default!r} in the rule and {taken[name]!r} in {target}"
                raise UnusableFileError(what, where=place, fix="say the same in both")


def _arguments(cls: type) -> dict[str, Any]:
    """Constructor arguments, those of bases included, with their defaults."""
    signatures = [inspect.signature(vars(c)["__init__"]) for c in reversed(cls.__mro__) if "__init__" in vars(c)]
    return {name: p.default for signature in signatures for name, p in signature.parameters.items()}


def legacy_versions(stem: str) -> list[str]:
    """Paths of our own old classes, those of all eras."""
    rule = rules()[stem]
    names = [name for _, name in rule.legacy] or [rule.old.rpartition(".")[2]]
    return [f"{LAYERS['legacy']}{stem}.{name}" for name in names]


@cache
def legacy_parts() -> dict[str, str]:
    """Old class that is a part of some component, below the import root of its era or from the team's own -> ours."""
    parts = [(f"{rule.root}{old}", stem, new) for stem, rule in rules().items() for old, new in rule.parts.items()]
    return {old: f"{LAYERS['legacy']}{stem}.{new}" for old, stem, new in parts}


def part_paths(era: Era) -> dict[str, str]:
    """Our own class that is a part of some component -> path of the old one in `era`."""
    return {
        f"{LAYERS['legacy']}{stem}.{new}": f"{rule.root or era.root}{old}"
        for stem, rule in rules().items()
        for old, new in rule.parts.items()
    }


def legacy_target(stem: str, era: Era) -> str:
    """Path of our own old class, in the version of `era`."""
    return f"{LAYERS['legacy']}{stem}.{rules()[stem].legacy_class(era)}"
