"""`Rule`: how one component is translated, as data that is read in both directions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from migrate.eras import Era
from migrate.errors import UnusableFileError

REQUIRED: Any = type("REQUIRED", (), {"__repr__": lambda _: "REQUIRED"})()
"""Marks a key without a default: it must be there, and is always written."""

PARAMS = "nn_params."


@dataclass(frozen=True)
class ByEra:
    """A value that changed over time: `ByEra(("E1", None), ("E5c", 1))` is None before E5c and 1 from then on."""

    steps: tuple[tuple[str, Any], ...]

    def at(self, era: Era) -> Any:
        """The value in force in `era`."""
        return [value for since, value in self.steps if era.is_since(since)][-1]


def _same(*values: Any) -> tuple[Any, ...]:
    return values


@dataclass(frozen=True)
class Key:
    """One or several old config keys and the new ones that say the same.

    Args:
        old: dotted old keys, such as `nn_params.out_features`.
        new: new keys.
        old_default: per old key, what the old class took where it is absent (`ByEra` where this changed).
        new_default: per new key, what the new class takes.
        forward: old values -> new values, a tuple each.
        backward: new values -> old values; may raise `ValueError` for what the old stack cannot say.
        attribute: per old key, where the old *object* keeps the value; `nn_params.x` stands in `_nn_params`.
    """

    old: tuple[str, ...]
    new: tuple[str, ...]
    old_default: tuple[Any, ...]
    new_default: tuple[Any, ...]
    forward: Callable[..., tuple[Any, ...]] = _same
    backward: Callable[..., tuple[Any, ...]] = _same
    attribute: tuple[str, ...] = ()


def key(old: str, new: str, old_default: Any = REQUIRED, new_default: Any = REQUIRED, *, attribute: str = "") -> Key:
    """A key that is only renamed."""
    return Key((old,), (new,), (old_default,), (new_default,), attribute=(attribute or old,))


@dataclass(frozen=True)
class Move:
    """A tensor that changes its name: state-dict keys relative to the component."""

    old: str
    new: str


@dataclass(frozen=True)
class Attribute:
    """Something that the old object kept outside of its state dict and that belongs to the trained policy.

    Args:
        old: attribute of the old object.
        new: attribute of the new module, one of its `saved_attributes`.
        forward: old value -> new value.
        backward: new value, new config -> old value.
    """

    old: str
    new: str
    forward: Callable[[Any], Any] = lambda value: value
    backward: Callable[[Any, Mapping[str, Any]], Any] = lambda value, _: value


def no_state(_: Mapping[str, Any]) -> tuple[Move, ...]:
    """For components without tensors."""
    return ()


@dataclass(frozen=True)
class Rule:
    """How one component is translated.

    Args:
        old: class path below the import root of the era, such as `nn_layer_library.Linear`.
        new: class name in `modules.layers.<stem>`; the stem is the rule's file name.
        keys: config keys; whatever they do not name, the old class swallowed.
        state: resolved new config -> tensors.
        attributes: what is carried along besides.
        derived: attributes of the old object, and entries `nn_params.x` that it wrote itself, which follow from config
            and graph and are rebuilt on the way back.
        unread: attributes of the old object that were stored and never used.
        root: where the old class lived, with a final dot, if not below the import root of its era: a team's package.
    """

    old: str
    new: str
    keys: tuple[Key, ...] = ()
    state: Callable[[Mapping[str, Any]], tuple[Move, ...]] = no_state
    attributes: tuple[Attribute, ...] = ()
    derived: frozenset[str] = frozenset()
    unread: frozenset[str] = frozenset()
    root: str = ""

    def resolved(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """A new component config with the defaults filled in."""
        defaults = {new: default for k in self.keys for new, default in zip(k.new, k.new_default, strict=True)}
        return {**{name: value for name, value in defaults.items() if value is not REQUIRED}, **config}

    def without_defaults(self, params: Mapping[str, Any], era: Era) -> dict[str, Any]:
        """An old `nn_params` without the entries that say what the old class took anyway: no config needs them."""
        pairs = [(old, default) for k in self.keys for old, default in zip(k.old, k.old_default, strict=True)]
        defaults = {old.removeprefix(PARAMS): _at(default, era) for old, default in pairs if old.startswith(PARAMS)}
        return {n: value for n, value in params.items() if n not in defaults or not equal(defaults[n], value)}


@dataclass(frozen=True)
class Translated:
    """A component config on the other side.

    Attributes:
        config: without `_target_` and `sources`.
        dropped: keys that the old class swallowed without a word.
    """

    config: dict[str, Any]
    dropped: tuple[str, ...] = ()


def equal(a: Any, b: Any) -> bool:
    """Equality that tells 1 from 1.0 and True, which YAML and the old code did."""
    return type(a) is type(b) and bool(a == b)


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
    for k in rule.keys:
        given = [
            _take(values, old, _at(default, era), where) for old, default in zip(k.old, k.old_default, strict=True)
        ]
        _refuse_interpolation(k, given, where)
        try:
            translated = k.forward(*given)
        except ValueError as error:
            raise UnusableFileError(str(error), where=where, fix="correct this key in the old config") from error
        _put(result, k.new, translated, k.new_default)
    if unknown := [name for name in values if name.startswith(PARAMS)]:
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
    flat: dict[str, Any] = {}
    for k in rule.keys:
        given = [_take(values, new, REQUIRED, where) for new in k.new]
        try:
            translated = k.backward(*given)
        except ValueError as error:
            raise _unsayable(str(error), where) from error
        _put(flat, k.old, translated, [_at(default, era) for default in k.old_default])
    if values:
        raise _unsayable(f"{', '.join(values)} has no counterpart", where)
    old = nest(flat)
    again = to_new(rule, old, era, where).config
    wanted = {name: value for name, value in config.items() if name not in ("_target_", "sources")}
    if differing := [
        n for n in {**again, **wanted} if not equal(rule.resolved(again).get(n), rule.resolved(wanted).get(n))
    ]:
        raise _unsayable(f"{', '.join(differing)}: the value has no counterpart", where)
    return Translated(old)


def _unsayable(what: str, where: str) -> UnusableFileError:
    return UnusableFileError(
        f"cannot be said in the old stack: {what}", where=where, fix="undo that change, or stay on `stack: modules`"
    )


def _at(default: Any, era: Era) -> Any:
    return default.at(era) if isinstance(default, ByEra) else default


def _take(values: dict[str, Any], name: str, default: Any, where: str) -> Any:
    if name not in values and default is REQUIRED:
        raise UnusableFileError(f"lacks {name}", where=where, fix=f"add {name} to the component")
    return values.pop(name, default)


def _put(target: dict[str, Any], names: Sequence[str], values: Sequence[Any], defaults: Sequence[Any]) -> None:
    entries = zip(names, values, defaults, strict=True)
    target.update({n: value for n, value, default in entries if default is REQUIRED or not equal(value, default)})
