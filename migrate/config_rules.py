"""Applies the rules to whole agent configs, as data in and data out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from migrate.eras import AGENTS, Era
from migrate.errors import UnusableFileError
from migrate.pickle_reader import Record
from migrate.plain import plain
from migrate.registry import new_target, rules, stem_of_new, stem_of_old
from migrate.rule import to_new, to_old

NEW_AGENT = "modules.agent.MettaAgent"
STACK = "stack"


def is_new(config: Mapping[str, Any]) -> bool:
    """Whether an agent config is one of the new stack: its agent or any component says so."""
    targets = [config.get("_target_"), *(c.get("_target_") for c in (config.get("components") or {}).values() if c)]
    return any(str(target).startswith("modules.") for target in targets)


def to_new_agent(
    config: Mapping[str, Any], era: Era, where: object
) -> tuple[dict[str, Any], dict[str, tuple[str, ...]]]:
    """Translates an old agent config.

    Returns:
        The new config, and per component the keys that the old stack had ignored.

    Raises:
        UnusableFileError: a component that cannot be translated; the message names it.
    """
    components, dropped = {}, {}
    for name, component in config["components"].items():
        place = component_place(where, name)
        stem = stem_of_old(str(component.get("_target_")), place)
        translated = to_new(rules()[stem], component, era, place)
        components[name] = assemble(new_target(stem), component, translated.config)
        if translated.dropped:
            dropped[name] = translated.dropped
    return {**config, "_target_": NEW_AGENT, "components": components}, dropped


def to_old_agent(config: Mapping[str, Any], era: Era, where: object) -> dict[str, Any]:
    """Translates a new agent config back.

    Raises:
        UnusableFileError: a component that the old stack cannot express; the message names it.
    """
    components = {}
    for name, component in config["components"].items():
        place = component_place(where, name)
        stem = stem_of_new(str(component.get("_target_")), place)
        rule = rules()[stem]
        translated = to_old(rule, component, era, place)
        components[name] = assemble(f"{era.root}{rule.old}", component, translated.config)
    rest = {key: value for key, value in config.items() if key != STACK}
    return {**rest, "_target_": era.agent, "components": components}


def assemble(target: str, component: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """A component config; `sources` are written alike on both sides."""
    return {"_target_": target, "sources": component.get("sources"), **options}


def component_place(where: object, name: str) -> str:
    """`<file>: component '<name>'`."""
    return f"{where}: component {name!r}"


def plain_value(value: Any) -> Any:
    """A plain value of an old attribute; numpy scalars become numbers."""
    return plain(value) if isinstance(value, Record | dict | list | tuple) else value


def agent_node(data: Mapping[str, Any], where: object) -> tuple[tuple[str, ...], Mapping[str, Any]]:
    """Where in a config file the agent stands, and the agent: the root itself or below `agent`.

    Raises:
        UnusableFileError: no agent in the file.
    """
    for path, node in (((), data), (("agent",), data.get("agent"))):
        if isinstance(node, Mapping) and isinstance(node.get("components"), Mapping):
            return path, node
    raise UnusableFileError(
        "there is no agent with `components` in it",
        where=where,
        fix="give an agent config, such as configs/agent/simple.yaml",
    )


def check_agent(config: Mapping[str, Any], where: object) -> None:
    """Refuses an agent class that is neither the old one nor ours.

    Raises:
        UnusableFileError: "the agent is a ...".
    """
    target = config.get("_target_")
    if target not in (*AGENTS, NEW_AGENT):
        raise UnusableFileError(
            f"the agent is a {target}", where=where, fix=f"known are {', '.join((*AGENTS, NEW_AGENT))}"
        )
