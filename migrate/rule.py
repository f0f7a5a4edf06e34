"""`Rule`: how one component is translated, as data that is read in both directions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import isnan
from typing import Any

from migrate.eras import Era
from migrate.errors import UsageError

REQUIRED: Any = type("REQUIRED", (), {"__repr__": lambda _: "REQUIRED"})()
"""Marks a key without a default: it must be there, and is always written."""

PARAMS = "nn_params."


@dataclass(frozen=True)
class ByEra:
    """A value that changed over time: `ByEra((("E1", None), ("E5c", 1)))` is None before E5c and 1 from then on.

    A step begins with an era or with the date of a commit, such as `2025-06-06`.
    """

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
        implied_by: the attribute that an old object took the values from where its config had none.
    """

    old: tuple[str, ...]
    new: tuple[str, ...]
    old_default: tuple[Any, ...]
    new_default: tuple[Any, ...]
    forward: Callable[..., tuple[Any, ...]] = _same
    backward: Callable[..., tuple[Any, ...]] = _same
    attribute: tuple[str, ...] = ()
    implied_by: str = ""


def key(old: str, new: str, old_default: Any = REQUIRED, new_default: Any = REQUIRED, *, attribute: str = "") -> Key:
    """A key that is only renamed."""
    return Key((old,), (new,), (old_default,), (new_default,), attribute=(attribute or old,))


@dataclass(frozen=True)
class Move:
    """A tensor that changes its name: state-dict keys relative to the component.

    Attributes:
        old: its old key.
        new: its new key.
        optional: whether the graph decides if it is there, such as a projection where two sizes differ.
    """

    old: str
    new: str
    optional: bool = False


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


def equal(a: Any, b: Any) -> bool:
    """Equality that tells 1 from 1.0 and True, which YAML and the old code did; nan equals nan."""
    if isinstance(a, float) and isinstance(b, float) and isnan(a):
        return isnan(b)
    return type(a) is type(b) and bool(a == b)


def in_force(default: Any, era: Era) -> Any:
    """A default, which may have changed over time, in one era."""
    return default.at(era) if isinstance(default, ByEra) else default


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
        legacy: which class of `legacy.layers.<stem>` stands for the old one, and since when, if it changed.
        fixed: new options that the era decides and no old key says, such as a bug that trained weights depend on; a
            value, or `ByEra`; None where the option is not written.
        keys_before: keys of earlier schemas, each with the era before which it was in force.
        structure: options of `fixed` that decide which weights there are, so that a config whose era is open says too
            little.
        parts: other old classes whose objects lie inside of this component, and functions that it keeps, below the
            same root -> the class or function of `legacy.layers.<stem>`.
        ignores_params: the old class never looked at `nn_params`: what stands there is dropped with a note (trap 18).
        recorded: era or date since when a file on record shows how the old object called what it kept; `END` if none
            does. In files of before, plain attributes of other names are told and left out, and not refused.
        root: where the old class lived, with a final dot, if not below the import root of its era: a team's package.
    """

    old: str
    new: str
    keys: tuple[Key, ...] = ()
    state: Callable[[Mapping[str, Any]], tuple[Move, ...]] = no_state
    attributes: tuple[Attribute, ...] = ()
    derived: frozenset[str] = frozenset()
    unread: frozenset[str] = frozenset()
    legacy: tuple[tuple[str, str], ...] = ()
    fixed: Mapping[str, Any] = field(default_factory=dict)
    keys_before: tuple[tuple[str, tuple[Key, ...]], ...] = ()
    structure: frozenset[str] = frozenset()
    parts: Mapping[str, str] = field(default_factory=dict)
    ignores_params: bool = False
    recorded: str = "E1"
    root: str = ""

    def __post_init__(self) -> None:
        parts: Any = self.parts
        if not isinstance(parts, Mapping):
            what = f"parts is {parts!r}, expected a mapping from old paths to names in legacy/layers/<stem>.py"
            raise UsageError(what, where=f"the rule of {self.old}", fix="write parts={...}")

    def keys_at(self, era: Era) -> tuple[Key, ...]:
        """The config keys of an era."""
        return next((keys for before, keys in self.keys_before if not era.is_since(before)), self.keys)

    def is_recorded(self, era: Era) -> bool:
        """Whether the names of the old object's attributes are known, and not only likely, in `era`."""
        return era.is_since(self.recorded)

    def legacy_class(self, era: Era) -> str:
        """Name of the class of `legacy` that stands for the old one in `era`."""
        names = [name for since, name in self.legacy if era.is_since(since)]
        return names[-1] if names else self.old.rpartition(".")[2]

    def fixed_at(self, era: Era) -> dict[str, Any]:
        """The options that `era` decides."""
        values = {option: in_force(value, era) for option, value in self.fixed.items()}
        return {option: value for option, value in values.items() if value is not None}

    def resolved(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """A new component config with the defaults filled in."""
        return {**self.new_defaults, **config}

    @property
    def new_defaults(self) -> dict[str, Any]:
        """What the new class takes for the options that keys of any era translate to."""
        keys = [k for _, earlier in self.keys_before for k in earlier] + list(self.keys)
        pairs = [pair for k in keys for pair in zip(k.new, k.new_default, strict=True)]
        return {name: default for name, default in pairs if default is not REQUIRED}

    def without_defaults(self, params: Mapping[str, Any], era: Era) -> dict[str, Any]:
        """An old `nn_params` without the entries that say what the old class took anyway: no config needs them."""
        pairs = [(old, default) for k in self.keys_at(era) for old, default in zip(k.old, k.old_default, strict=True)]
        defaults = {
            old.removeprefix(PARAMS): in_force(default, era) for old, default in pairs if old.startswith(PARAMS)
        }
        return {n: value for n, value in params.items() if n not in defaults or not equal(defaults[n], value)}
