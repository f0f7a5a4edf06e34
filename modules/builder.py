"""From a config and an environment to a container of components."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from modules.base import BuildContext, MettaModule, Shape
from modules.container import HEADS, ComponentContainer
from modules.environment import Environment
from modules.errors import ConfigError, GraphError, MettaError
from modules.program import Node, execution_order

OWN_PACKAGE = "modules.layers."
NOT_ARGUMENTS = ("_target_", "sources")


def plain(config: Any) -> Any:
    """Nested mappings and sequences, such as OmegaConf's, as plain dicts and lists."""
    if isinstance(config, Mapping):
        return {str(key): plain(value) for key, value in config.items()}
    if isinstance(config, Sequence) and not isinstance(config, (str, bytes)):
        return [plain(value) for value in config]
    return config


def build_components(config: Mapping[str, Any], environment: Environment) -> ComponentContainer:
    """Builds every component of `config["components"]`.

    Components are made in execution order, which is what random initialisation depends on, and registered in the
    order of the config, which is what parameter order depends on.

    Raises:
        ConfigError: an unknown or missing key, a size that does not fit; the message names the component.
        GraphError: a missing source, a cycle, a component that no head reaches.
    """
    configs: dict[str, dict[str, Any]] = plain(config["components"])
    sources = {name: tuple(_sources(name, cfg)) for name, cfg in configs.items()}
    nodes = {name: Node(name, tuple(s["name"] for s in sources[name]), (name,)) for name in configs}
    for node in nodes.values():
        for source in node.in_keys:
            if source not in nodes:
                raise GraphError(f"component {node.name!r} has the source {source!r}, which is no component")
    order = execution_order(nodes, [head for head in HEADS if head in nodes])
    unreached = [name for name in nodes if name not in {node.name for node in order}]
    if unreached:
        raise GraphError(f"no head ({', '.join(HEADS)}) reaches: {', '.join(unreached)}")

    built: dict[str, MettaModule] = {}
    shapes: dict[str, Shape] = {}
    for node in order:
        context = BuildContext(
            in_shapes=tuple(shapes[source] for source in node.in_keys),
            sources=sources[node.name],
            obs_shape=environment.obs_shape,
            feature_normalizations=environment.feature_normalizations,
            clip_range=config.get("clip_range", 0),
        )
        built[node.name], shapes[node.name] = build_component(node.name, configs[node.name], context)
    container = ComponentContainer()
    for name in configs:
        container.register_component(name, built[name])
    return container


def build_component(name: str, config: Mapping[str, Any], context: BuildContext) -> tuple[MettaModule, Shape]:
    """Builds one component alone.

    Args:
        name: its name, and its first output key.
        config: `_target_` and constructor arguments; `sources` is ignored, `context` has them.
        context: what surrounds it.

    Returns:
        The module and the shape of its first output.

    Raises:
        ConfigError: what is wrong, behind the component's name.
    """
    target = config.get("_target_")
    try:
        cls = component_class(target)
        options = {key: value for key, value in config.items() if key not in NOT_ARGUMENTS}
        options = _merge(cls, cls.from_context(context), options)
        in_keys = (*(str(source["name"]) for source in context.sources), *cls.fixed_in_keys)
        module = cls(**options, in_keys=in_keys, out_keys=(name, *cls.fixed_out_keys))
        return module, cls.output_shape(context.in_shapes, options)
    except MettaError as error:
        raise ConfigError(f"component {name!r} ({target}): {error}") from error


def component_class(target: Any) -> type[MettaModule]:
    """The class that `_target_` names.

    Only this package is imported on demand. A class from elsewhere must already be imported: a config may come out of
    a checkpoint, and reading one must not run code.

    Raises:
        ConfigError: "no such component class ...".
    """
    module_name, _, class_name = str(target).rpartition(".")
    if module_name.startswith(OWN_PACKAGE) and module_name.removeprefix(OWN_PACKAGE).isidentifier():
        try:
            importlib.import_module(module_name)
        except ModuleNotFoundError as error:
            raise ConfigError(f"no such component class: {target}") from error
    found = getattr(sys.modules.get(module_name), class_name, None)
    if not (isinstance(found, type) and issubclass(found, MettaModule)):
        raise ConfigError(
            f"no such component class: {target}; one of your own must be a MettaModule, imported before the agent is built"
        )
    return found


def _sources(name: str, config: Mapping[str, Any]) -> list[dict[str, Any]]:
    entries = config.get("sources") or []
    if not isinstance(entries, list):
        raise ConfigError(f"component {name!r}: sources must be a list, got {entries!r}")
    sources = [{"name": entry} if isinstance(entry, str) else entry for entry in entries]
    for source in sources:
        if not isinstance(source, dict) or not isinstance(source.get("name"), str):
            raise ConfigError(f"component {name!r}: a source is a name or a mapping with one, got {source!r}")
    return sources


def _merge(cls: type[MettaModule], decided: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Constructor arguments; a config may repeat what the graph decides, but not contradict it."""
    known = _argument_names(cls)
    unknown = [key for key in given if key not in known]
    if unknown:
        raise ConfigError(f"unknown key(s) {', '.join(unknown)}; known are: {', '.join(sorted(known))}")
    for key, value in decided.items():
        if key in given and plain(given[key]) != plain(value):
            raise ConfigError(f"{key} is {given[key]!r} in the config, but the graph and the environment give {value!r}")
    merged = {**decided, **given}
    parameters = inspect.signature(cls).parameters.values()
    required = [p.name for p in parameters if p.default is p.empty and p.kind is not p.VAR_KEYWORD and p.name != "in_keys"]
    missing = [key for key in required if key not in merged]
    if missing:
        raise ConfigError(f"missing key(s) {', '.join(missing)}")
    return merged


def _argument_names(cls: type[MettaModule]) -> set[str]:
    names: set[str] = set()
    for parent in cls.__mro__:
        if parent is MettaModule:
            break
        parameters = inspect.signature(parent).parameters
        names.update(parameters)
        if not any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
            break
    return names - {"in_keys", "out_keys", "options"}
