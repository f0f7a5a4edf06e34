"""What the parameters of a new config were called in the old stack, by era (traps 44 and 45)."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from typing import Any

from migrate.agent_rules import era_of_config
from migrate.eras import Era
from migrate.old_sources import is_early_merge
from migrate.registry import rules, stem_of_new
from migrate.rule import Rule

COMPONENTS = "components."
MERGES = "merge_layer."


def component_tensors(name: str, rule: Rule, config: Mapping[str, Any], present: Container[str]) -> dict[str, str]:
    """Old state-dict key -> new one, for one component with the new config `config`, without an era's prefix.

    Optional ones only where either is `present`.
    """
    prefix = f"{COMPONENTS}{name}."
    moves = rule.state(rule.resolved(config))
    there = [m for m in moves if not m.optional or f"{prefix}{m.old}" in present or f"{prefix}{m.new}" in present]
    return {f"{prefix}{move.old}": f"{prefix}{move.new}" for move in there}


def parameter_names_of(config: Mapping[str, Any]) -> dict[str, str]:
    """New parameter or buffer name -> the first name that the old agent has for it, for a new agent config.

    Parameters are in the order in which the old optimizer counts them (trap 3).
    """
    era = era_of_config(config)
    names: dict[str, str] = {}
    for name, place in _first_places(config, era):
        component = config["components"][name]
        rule = _rule_of(component, name)
        for move in rule.state(rule.resolved(component)):
            names[f"{COMPONENTS}{name}.{move.new}"] = f"{place}.{key_in(era, rule, move.old)}"
    return names


def _rule_of(component: Mapping[str, Any], name: str) -> Rule:
    return rules()[stem_of_new(component["_target_"], f"component {name!r}")]


def prefix_in(era: Era) -> str:
    """What stands in front of the components."""
    return f"policy.{COMPONENTS}" if era.is_since("E9") else COMPONENTS


def key_in(era: Era, rule: Rule, key: str) -> str:
    """A key relative to its component, as the first of its names in `era`."""
    if era.is_since("E2b"):
        return key
    first, _, rest = key.partition(".")
    if first != "_net":
        return key
    has_weight_net = any(attribute.old == "clip_value" for attribute in rule.attributes)
    if has_weight_net and rest.removeprefix("0.") in ("weight", "bias"):
        return f"weight_net.{rest.removeprefix('0.')}"
    return key if era.is_since("E2a") else f"net.{rest}"


def plain_key_in(era: Era, key: str) -> str:
    """A full key as the old agent's own path, whatever other names it has."""
    if not era.is_since("E2a"):
        key = key.replace("._net.", ".net.", 1)
    return f"policy.{key}" if era.is_since("E9") else key


def _first_places(config: Mapping[str, Any], era: Era) -> Iterator[tuple[str, str]]:
    """Component -> where `named_parameters` meets it first, in that order: in E1 perhaps below one that reads it."""
    children = {name: _registered_source(name, component) for name, component in config["components"].items()}
    met: set[str] = set()
    for name in children:
        place = f"{prefix_in(era)}{name}"
        if era.is_since("E2a"):
            yield name, place
        elif name not in met:
            yield from _below(name, place, children, met)


def _registered_source(name: str, component: Mapping[str, Any]) -> str | None:
    """The source that E1 registered below a component, before its own layers; those of merges lay in a dict."""
    sources = component.get("sources") or []
    if not sources or is_early_merge(sources) or _rule_of(component, name).old.startswith(MERGES):
        return None
    return sources[0] if isinstance(sources[0], str) else sources[0]["name"]


def _below(name: str, place: str, children: Mapping[str, str | None], met: set[str]) -> Iterator[tuple[str, str]]:
    met.add(name)
    source = children[name]
    if source is not None and source not in met:
        yield from _below(source, f"{place}.input_source_component", children, met)
    yield name, place
