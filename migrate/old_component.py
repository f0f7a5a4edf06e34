"""`OldComponent`: one component of an old agent, read off its inert record."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from torch import nn

from migrate.eras import Era
from migrate.errors import UnusableFileError
from migrate.pickle_reader import Record
from migrate.plain import is_plain, plain
from migrate.registry import rules, stem_of_old
from migrate.rule import PARAMS, REQUIRED, Rule, equal, in_force
from migrate.translate import nest

MODULE_INTERNALS = frozenset(vars(nn.Module()))
LAYER_INTERNALS = MODULE_INTERNALS | {
    *("_name", "_sources", "_nn_params", "_net", "_ready"),
    *("_source_components", "_in_tensor_shapes", "_out_tensor_shape"),
    *("_input_source", "_input_source_component", "_output_size", "_input_size"),
    *("sources_list", "sizes", "dims"),
}
PUBLIC = ("name", "input_source", "input_source_component", "output_size", "input_size", "nn_params", "net")
"""Attributes of E1 that have an underscore since E2a."""


@dataclass(frozen=True)
class OldComponent:
    """One component of an old agent.

    Attributes:
        stem: of its rule.
        path: its old class.
        config: the old config that builds it, without defaults.
        attributes: what its rule carries along, still inert.
        notes: what it kept under names that are on no record, and what it did not keep.
    """

    stem: str
    path: str
    config: dict[str, Any]
    attributes: dict[str, Any]
    notes: tuple[str, ...] = ()

    @property
    def rule(self) -> Rule:
        """Its rule."""
        return rules()[self.stem]


def read_component(name: str, record: Record, era: Era, where: object) -> OldComponent:
    """Reads one component.

    Raises:
        UnusableFileError: a class without rule, an attribute that no rule knows.
    """
    place = f"{where}: component {name!r}"
    stem = stem_of_old(record.path, place)
    rule, attributes = rules()[stem], attributes_of(record)
    carried = {attribute.old for attribute in rule.attributes}
    config_attributes = {a for k in rule.keys_at(era) for a in k.attribute if not a.startswith(PARAMS)}
    known = LAYER_INTERNALS | rule.derived | rule.unread | carried | config_attributes
    notes: tuple[str, ...] = ()
    if not rule.is_recorded(era):
        attributes = {_likely(attribute, known): value for attribute, value in attributes.items()}
        spare = {name: value for name, value in attributes.items() if name not in known and is_plain(value)}
        notes = tuple(_notes(spare, config_attributes - attributes.keys()))
        attributes = {name: value for name, value in attributes.items() if name not in spare}
    if unknown := [attribute for attribute in attributes if attribute not in known]:
        raise UnusableFileError(
            f"{record.path} has attribute(s) that its rule does not know: {', '.join(unknown)}",
            where=place,
            fix=f"if they matter, teach migrate/rules/{stem}.py; if not, name them in its `derived`",
        )
    config = {"_target_": record.path, **_sources(attributes, era)}
    config.update(nest(_config_values(rule, attributes, era)))
    kept = {key: attributes[key] for key in carried if key in attributes}
    return OldComponent(stem, record.path, config, kept, notes)


def _likely(attribute: str, known: Collection[str]) -> str:
    """The name in `known` that an attribute on no record stands for, if it differs by its underscore alone."""
    others = (attribute, f"_{attribute}", attribute.removeprefix("_"))
    return next((name for name in others if name in known), attribute)


def _notes(spare: Mapping[str, Any], absent: Collection[str]) -> Iterator[str]:
    """What to tell of attributes whose names are on no record."""
    unseen = "no file on record shows what its class kept"
    if spare:
        yield f"{unseen}: {', '.join(f'{name} = {plain(value)!r:.60}' for name, value in spare.items())} is left out"
    if absent:
        names = ", ".join(sorted(name.removeprefix("_") for name in absent))
        yield f"{unseen}: {names} is not there; its default, or what the agent tells, is taken"


def attributes_of(record: Record) -> dict[str, Any]:
    """The attributes of a component, those of E1 under the names that they had later."""
    public = () if "_name" in record.attributes else PUBLIC
    return {f"_{name}" if name in public else name: value for name, value in record.attributes.items()}


def _sources(attributes: Mapping[str, Any], era: Era) -> dict[str, Any]:
    """The sources as a config says them."""
    entries = plain(attributes.get("_sources", attributes.get("sources_list")))  # the latter in merges of E1
    if entries is None and not era.is_since("E4a"):
        return {"input_source": plain(attributes.get("_input_source"))}
    if entries is None:
        return {"sources": None}
    return {"sources": [{key: item for key, item in entry.items() if key != "_slice_params"} for entry in entries]}


def _config_values(rule: Rule, attributes: Mapping[str, Any], era: Era) -> dict[str, Any]:
    """Constructor values that the object kept, as far as they differ from the defaults of its era."""
    params = {f"{PARAMS}{key}": value for key, value in (plain(attributes.get("_nn_params")) or {}).items()}
    params = {key: value for key, value in params.items() if key not in rule.derived}
    values: dict[str, Any] = {}
    for k in rule.keys_at(era):
        implied = attributes.get(k.implied_by, REQUIRED)  # which no value is
        for old, default, attribute in zip(k.old, k.old_default, k.attribute, strict=True):
            default_here = in_force(default, era)
            if old in params:
                value = params.pop(old)
            elif (kept := attributes.get(attribute, implied)) is implied or kept == implied:
                continue
            else:
                value = plain(kept)
            if default_here is REQUIRED or not equal(value, default_here):
                values[old] = value
    return {**values, **params}
