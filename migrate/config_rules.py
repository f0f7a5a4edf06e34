"""Applies the rules to whole agent configs, as data in and data out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from migrate.agent_rules import ERA, FIXED, decided_by, differing
from migrate.config_keys import check_sources
from migrate.eras import AGENTS, ROOTS, Era
from migrate.errors import UnusableFileError
from migrate.inplace import check_inplace
from migrate.old_sources import early_sources, own_keys, sources_at, sources_of
from migrate.pickle_reader import Record
from migrate.plain import plain
from migrate.refused import SECOND_LSTM
from migrate.registry import check_own, new_target, old_path, rules, stem_of_new, stem_of_old
from migrate.rule import Rule
from migrate.translate import to_new, to_old
from modules.builder import PROPOSED_PACKAGE

NEW_AGENT = "modules.agent.MettaAgent"
STACK, CORE = "stack", "_core_"


def is_new(config: Mapping[str, Any]) -> bool:
    """Whether an agent config is one of the new stack: its agent or any component says so."""
    components = (config.get("components") or {}).values()
    targets = [config.get("_target_"), *(c.get("_target_") for c in components if isinstance(c, Mapping))]
    return any(_is_ours(str(target)) for target in targets)


def _is_ours(target: str) -> bool:
    """Whether a path is of the new stack, perhaps as the proposal has it: `metta.agent.lib.LinearModule`."""
    package, _, name = target.rpartition(".")
    return target.startswith("modules.") or (package == PROPOSED_PACKAGE and name.endswith("Module"))


def _is_old(target: str) -> bool:
    """Whether a path is that of a component of the old stack."""
    return target.startswith(ROOTS) and not _is_ours(target)


def to_new_agent(
    config: Mapping[str, Any], era: Era, where: object
) -> tuple[dict[str, Any], dict[str, tuple[str, ...]]]:
    """Translates an old agent config.

    Returns:
        The new config, and per component the keys that the old stack had ignored.

    Raises:
        UnusableFileError: a component that cannot be translated; the message names it.
    """
    components: dict[str, Any] = {}
    dropped: dict[str, tuple[str, ...]] = {}
    for name, component in config["components"].items():
        place = component_place(where, name)
        stem = stem_of_old(str(component.get("_target_")), place)
        check_own(stem)
        check_core(name, stem, place, era)
        if stem == "lstm" and new_target(stem) in [str(other["_target_"]) for other in components.values()]:
            raise UnusableFileError(f"is {SECOND_LSTM}", where=place, fix="keep this agent on the old stack")
        check_sources(component, era, place)
        named = {**component, "sources": sources_at(component, era)}
        translated = to_new(rules()[stem], {**own_keys(named), **told_to(rules()[stem], config, era)}, era, place)
        components[name] = assemble(new_target(stem), named, translated.config)
        if translated.dropped:
            dropped[name] = translated.dropped
    check_inplace(components, where)
    decided = decided_by(era, components)
    return {**config, **decided, "_target_": NEW_AGENT, "components": components}, dropped


def to_old_agent(config: Mapping[str, Any], era: Era, where: object) -> dict[str, Any]:
    """Translates a new agent config back.

    Raises:
        UnusableFileError: a component that the old stack cannot express; the message names it.
    """
    components = {}
    for name, component in config["components"].items():
        place = component_place(where, name)
        stem = stem_of_new(str(component.get("_target_")), place)
        check_core(name, stem, place, era)
        rule = rules()[stem]
        translated = to_old(rule, component, era, place)
        told = told_to(rule, config, era)
        own = {key: value for key, value in translated.config.items() if key not in told}
        options = assemble(old_path(stem, era), component, own)
        components[name] = options if era.is_since("E4a") else early_sources(options, stem)
    if others := differing(config, era):
        then = ", ".join(f"{key}: {'null' if value is None else value}" for key, value in others.items())
        raise UnusableFileError(
            f"cannot be said in the old stack of {era.name}: {', '.join(others)}",
            where=where,
            fix=f"say what it did, {then} (for a policy by modules.with_config), or stay on `stack: modules`",
        )
    rest = {key: value for key, value in config.items() if key not in (STACK, ERA, *FIXED, *ONLY_NEW)}
    return {**OLD_NEEDS, **rest, "_target_": era.agent, "components": components}


HOW_IT_RUNS = {"numerics": "exact", "execution": "sequential"}
"""Keys of a new agent config that say how it is computed, never what; the old stack has one way."""
ONLY_NEW = (*HOW_IT_RUNS, "shadow", "actions")
"""Keys that the old stack knows nothing of, and that say nothing about what is computed, or nothing to it."""
OLD_NEEDS: Mapping[str, Any] = {"observations": {"obs_key": "grid_obs"}, "clip_range": 0}
"""What an old agent config must say and a new one need not."""


def assemble(target: str, component: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """A component config; `sources` are written alike on both sides."""
    return {"_target_": target, "sources": sources_of(component), **options}


TOLD = ("hidden_size",)
"""What the agent told every component until E7, whatever their own config said (trap 19)."""


def told_to(rule: Rule, config: Mapping[str, Any], era: Era) -> dict[str, Any]:
    """The keys of a component that its agent decides; `config` is the agent's, old or new."""
    core = config["components"].get(CORE, {})
    told = {"hidden_size": core.get("output_size", core.get("hidden_size"))}
    wanted = {old for k in rule.keys_at(era) for old in k.old}
    return {name: told[name] for name in TOLD if name in wanted and told[name] is not None}


def check_core(name: str, stem: str, place: str, era: Era) -> None:
    """Refuses a recurrent component that is not `_core_`: the old agent read its sizes there, for all (trap 20).

    Raises:
        UnusableFileError: "is an LSTM, which ...".
    """
    if stem == "lstm" and name != CORE and not era.is_since("E8"):
        raise UnusableFileError(
            f"is an LSTM, which the old stack builds with the sizes of {CORE!r}", where=place, fix=f"name it {CORE}"
        )


def component_place(where: object, name: str) -> str:
    """`<file>: component '<name>'`."""
    return f"{where}: component {name!r}"


def plain_value(value: Any) -> Any:
    """A plain value of an old attribute; numpy scalars become numbers."""
    return plain(value) if isinstance(value, Record | dict | list | tuple) else value


def agent_place(data: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Where in a config file the agent stands, if there is one."""
    for path, node in (((), data), (("agent",), data.get("agent"))):
        if isinstance(node, Mapping) and isinstance(node.get("components"), Mapping):
            return path
    return None


def agent_node(data: Mapping[str, Any], where: object) -> tuple[tuple[str, ...], Mapping[str, Any]]:
    """Where in a config file the agent stands, and the agent: the root itself or below `agent`.

    Raises:
        UnusableFileError: no agent in the file.
    """
    if (place := agent_place(data)) is not None:
        node = data
        for key in place:
            node = node[key]
        return place, node
    if isinstance(defaults := data.get("defaults"), list):
        raise UnusableFileError(
            f"there is no agent with `components` in it; it is composed of {', '.join(map(str, defaults))}",
            where=where,
            fix="migrate the file that has the components; nothing of this one has to change",
        )
    raise UnusableFileError(
        "there is no agent with `components` in it",
        where=where,
        fix="give an agent config, such as configs/agent/simple.yaml",
    )


def check_agent(config: Mapping[str, Any], where: object) -> None:
    """Refuses what is no agent config of either stack, so that the rest may rely on its shape.

    Raises:
        UnusableFileError: an agent class that is neither the old one nor ours; components of both stacks; a component
            or an entry of it that is of another kind than it must be.
    """
    target, components = config.get("_target_"), config["components"]
    for name, component in components.items():
        _check_component(component, component_place(where, name))
    new = is_new(config)
    if target not in (*AGENTS, NEW_AGENT) and not (new and target is None):
        raise UnusableFileError(
            f"the agent is a {target}" if target else "the agent has no _target_",
            where=where,
            fix=f"known are {', '.join((*AGENTS, NEW_AGENT))}; a part of an agent must be composed first",
        )
    old = [name for name, component in components.items() if _is_old(str(component["_target_"]))]
    if new and (old or target in AGENTS):
        raise UnusableFileError(
            f"mixes both stacks: {'component ' + repr(old[0]) if old else 'the agent'} is of the old one",
            where=where,
            fix="undo the half of the change that was made by hand, and migrate the whole file",
        )


def _check_component(component: Any, place: str) -> None:
    if not isinstance(component, Mapping):
        raise UnusableFileError(f"is {component!r}, expected a mapping", where=place, fix="write its keys below it")
    if not isinstance(component.get("_target_"), str):
        raise UnusableFileError(
            "has no _target_", where=place, fix="name its class; a part of an agent must be composed first"
        )
    if not isinstance(params := component.get("nn_params"), Mapping | None):
        raise UnusableFileError(f"nn_params is {params!r}, expected a mapping", where=place, fix="write `key: value`")
    sources, old = component.get("sources"), not is_new({"components": {"": component}})
    entries = sources if isinstance(sources, list) else [] if sources is None else [None]
    for entry in entries:
        named = isinstance(entry, Mapping) and isinstance(entry.get("name", entry.get("source_name")), str)
        if not named and (old or not isinstance(entry, str)):
            raise UnusableFileError(
                f"sources is {sources!r}, expected a list of `name: <component>`", where=place, fix="write `- name: x`"
            )
