"""Reads a rule forward and backward: one component's config, old to new and new to old."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from migrate.eras import Era
from migrate.errors import UnusableFileError
from migrate.rule import PARAMS, REQUIRED, Key, Rule, equal, in_force


@dataclass(frozen=True)
class Translated:
    """A component config on the other side.

    Attributes:
        config: without `_target_` and `sources`.
        dropped: keys that the old class swallowed without a word.
    """

    config: dict[str, Any]
    dropped: tuple[str, ...] = ()


def flatten(config: Mapping[str, Any]) -> dict[str, Any]:
    """`{"nn_params": {"p": 1}}` -> `{"nn_params.p": 1}`, without `_target_` and `sources`."""
    flat: dict[str, Any] = {}
    for name, value in config.items():
        if name == "nn_params":
            flat.update({f"{PARAMS}{inner}": inner_value for inner, inner_value in (value or {}).items()})
        elif name not in ("_target_", "sources"):
            flat[name] = value
    return flat


def nest(flat: Mapping[str, Any]) -> dict[str, Any]:
    """The inverse of `flatten`."""
    nested: dict[str, Any] = {}
    for name, value in flat.items():
        if name.startswith(PARAMS):
            nested.setdefault("nn_params", {})[name.removeprefix(PARAMS)] = value
        else:
            nested[name] = value
    return nested


def to_new(rule: Rule, config: Mapping[str, Any], era: Era, where: str) -> Translated:
    """Translates an old component config.

    Raises:
        UnusableFileError: "lacks ..." for a key without default, "... has no counterpart" for an `nn_params` key that
            reached torch in the old stack and that the rule does not know.
    """
    _refuse_instructions(config, where)
    values = flatten(config)
    result: dict[str, Any] = {}
    for k in rule.keys_at(era):
        given = [
            _take(values, old, in_force(default, era), where) for old, default in zip(k.old, k.old_default, strict=True)
        ]
        _refuse_interpolation(k, given, where)
        try:
            translated = k.forward(*given)
        except ValueError as error:
            raise UnusableFileError(str(error), where=where, fix="correct this key in the old config") from error
        _put(result, k.new, translated, k.new_default)
    result.update(rule.fixed_at(era))
    unknown = [name for name in values if name.startswith(PARAMS)]
    if unknown and not rule.ignores_params:
        raise UnusableFileError(
            f"{', '.join(unknown)} has no counterpart in the new stack",
            where=where,
            fix="remove it if the old stack refused it too; otherwise keep this policy on `stack: legacy`",
        )
    return Translated(result, tuple(values))


def _refuse_instructions(config: Mapping[str, Any], where: str) -> None:
    """Refuses keys that Hydra or the old base class acted on, which no rule translates.

    Raises:
        UnusableFileError: "... is an instruction ...".
    """
    for name in config:
        if name.startswith("_") and name != "_target_":
            raise UnusableFileError(
                f"{name} is an instruction to Hydra or to the old base class",
                where=where,
                fix="say the same with the component's own keys",
            )


def _refuse_interpolation(k: Key, values: Sequence[Any], where: str) -> None:
    """Refuses what is not known before the config is composed: relative paths would move, and values decide others.

    Raises:
        UnusableFileError: "... is an interpolation ...".
    """
    for old, value in zip(k.old, values, strict=True):
        if isinstance(value, str) and "${" in value:
            raise UnusableFileError(
                f"{old} is an interpolation, {value!r}", where=where, fix="write the value itself, and migrate again"
            )


def to_old(rule: Rule, config: Mapping[str, Any], era: Era, where: str) -> Translated:
    """Translates a new component config back.

    Raises:
        UnusableFileError: "cannot be said in the old stack" for options that came in after the migration.
    """
    values = rule.resolved({name: value for name, value in config.items() if name not in ("_target_", "sources")})
    _check_fixed(rule, values, era, where)
    flat: dict[str, Any] = {}
    for k in rule.keys_at(era):
        given = [_take(values, new, REQUIRED, where) for new in k.new]
        try:
            translated = k.backward(*given)
        except ValueError as error:
            raise _unsayable(str(error), where) from error
        _put(flat, k.old, translated, [in_force(default, era) for default in k.old_default])
    defaults = rule.new_defaults
    if left := [name for name, value in values.items() if name not in defaults or not equal(defaults[name], value)]:
        raise _unsayable(f"{', '.join(left)} has no counterpart", where)
    old = nest(flat)
    again = to_new(rule, old, era, where).config
    wanted = {name: value for name, value in config.items() if name not in ("_target_", "sources")}
    if differing := [
        n for n in {**again, **wanted} if not equal(rule.resolved(again).get(n), rule.resolved(wanted).get(n))
    ]:
        raise _unsayable(f"{', '.join(differing)}: the value has no counterpart", where)
    return Translated(old)


def _check_fixed(rule: Rule, values: dict[str, Any], era: Era, where: str) -> None:
    """Takes the options out that the era decides.

    Raises:
        UnusableFileError: "cannot be said in the old stack" where they say otherwise.
    """
    decided = rule.fixed_at(era)
    for option in rule.fixed:
        given = values.pop(option, None)
        if not equal(given, decided.get(option)):
            said = "leaves it to its default" if given is None else f"is {given!r}"
            raise _unsayable(f"{option} {said}, and the code of {era.name} did {decided.get(option)!r}", where)


def _unsayable(what: str, where: str) -> UnusableFileError:
    return UnusableFileError(
        f"cannot be said in the old stack: {what}", where=where, fix="undo that change, or stay on `stack: modules`"
    )


def _take(values: dict[str, Any], name: str, default: Any, where: str) -> Any:
    if name not in values and default is REQUIRED:
        raise UnusableFileError(f"lacks {name}", where=where, fix=f"add {name} to the component")
    return values.pop(name, default)


def _put(target: dict[str, Any], names: Sequence[str], values: Sequence[Any], defaults: Sequence[Any]) -> None:
    entries = zip(names, values, defaults, strict=True)
    target.update({n: value for n, value, default in entries if default is REQUIRED or not equal(value, default)})
