"""From a config and an environment to a container of components."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

from modules.agent_keys import check_keys, check_source_keys
from modules.arguments import argument_names, merged, options_of, plain
from modules.base import BuildContext, MettaModule, Shape
from modules.container import HEADS, ComponentContainer
from modules.environment import Environment
from modules.errors import ConfigError, GraphError, MettaError
from modules.graph import Node, execution_order
from modules.shapes import AT_EVERY_VISIT, EXACT

OWN_PACKAGES = ("modules.layers", "modules.blocks")
PROPOSED_PACKAGE = "metta.agent.lib"
"""Where the proposal's configs say that all classes of the new stack are."""


def build_components(config: Mapping[str, Any], environment: Environment) -> ComponentContainer:
    """Builds every component of `config["components"]`.

    Components are made in execution order, which is what random initialisation depends on, and registered in the
    order of the config, which is what parameter order depends on.

    Raises:
        ConfigError: an unknown or missing key, a size that does not fit; the message names the component.
        GraphError: a missing source, a cycle, a component that no head reaches or that is named like an input.
    """
    check_keys(config)
    configs = _component_configs(config)
    for name, each in configs.items():
        _check_words(name, each)
    sources = {name: tuple(_sources(name, cfg)) for name, cfg in configs.items()}
    heads = config.get("heads") or HEADS
    order = _order(sources, heads)
    if any(each.get("initialized") == AT_EVERY_VISIT for each in configs.values()):
        order = list(_visits(sources, [head for head in heads if head in sources]))
    built: dict[str, MettaModule] = {}
    shapes: dict[str, Shape] = {}
    for name in order:
        if name in built:
            if hasattr(built[name], "revisit"):
                cast(Any, built[name]).revisit()
            continue
        context = BuildContext(
            in_shapes=tuple(shapes[source["name"]] for source in sources[name]),
            sources=sources[name],
            obs_shape=environment.obs_shape,
            obs_width=environment.obs_width,
            obs_height=environment.obs_height,
            feature_normalizations=environment.feature_normalizations,
            feature_ids=environment.ids,
            action_nvec=environment.action_nvec,
            clip_range=config.get("clip_range", 0),
            numerics=config.get("numerics") or EXACT,
        )
        built[name], shapes[name] = build_component(name, configs[name], context)
        for key in built[name].in_keys[len(sources[name]) :]:
            if key in configs:
                raise GraphError(
                    f"component {key!r} has the name of an input that {name!r} reads; rename the component"
                )
    container = ComponentContainer()
    for name in configs:
        container.register_component(name, built[name])
    return container


def _component_configs(config: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    configs = plain(config.get("components"))
    if not isinstance(configs, dict) or not configs:
        raise ConfigError(f"the config needs `components`, a mapping from names to components, got {configs!r}")
    for name, each in configs.items():
        if not isinstance(each, dict):
            raise ConfigError(f"component {name!r} must be a mapping with _target_, got {each!r}")
    return configs


def _check_words(name: str, config: Mapping[str, Any]) -> None:
    """Before anything is wired: a misspelt `sources` would be told as a component that nobody reads."""
    target = _target_of(name, config)
    try:
        options_of(component_class(target), config)
    except ConfigError as error:
        raise ConfigError(f"component {name!r} ({target}): {error}") from error


def _target_of(name: str, config: Mapping[str, Any]) -> Any:
    if config.get("_target_") is None:
        raise ConfigError(f"component {name!r}: missing key _target_, the path of its class")
    return config["_target_"]


def _visits(sources: Mapping[str, Sequence[Mapping[str, Any]]], names: Iterable[str]) -> Iterator[str]:
    """Components as the old stack visited them: those that several read, several times."""
    for name in names:
        yield from _visits(sources, (source["name"] for source in sources[name]))
        yield name


def _order(sources: Mapping[str, Sequence[Mapping[str, Any]]], heads: Sequence[str]) -> list[str]:
    """Execution order of components, from the names of their sources."""
    nodes = {name: Node(name, tuple(s["name"] for s in each), (name,)) for name, each in sources.items()}
    for node in nodes.values():
        for source in node.in_keys:
            if source not in nodes:
                known, readers = ", ".join(nodes), " and ".join(n.name for n in nodes.values() if source in n.in_keys)
                raise GraphError(
                    f"component {node.name!r} has the source {source!r}, which is none of: {known}; "
                    f"add it, or give {readers} another source"
                )
    order = execution_order(nodes, [head for head in heads if head in nodes])
    reached = {node.name for node in order}
    unreached = [name for name in nodes if name not in reached]
    if unreached:
        absent = " and no ".join(repr(head) for head in heads if head not in nodes)
        raise GraphError(
            f"no head reaches: {', '.join(unreached)}{absent and f', since there is no {absent}'}; "
            f"remove them, or make them sources towards {' or '.join(heads)}"
        )
    return [node.name for node in order]


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
    target = _target_of(name, config)
    try:
        cls = component_class(target)
        check_source_keys(name, cls, context.sources)
        options = merged(cls, cls.from_context(context), options_of(cls, config))
        if "numerics" in argument_names(cls):
            options.setdefault("numerics", context.numerics)
        in_keys = (*(str(source["name"]) for source in context.sources), *cls.in_keys_for(options))
        module = cls(**options, in_keys=in_keys, out_keys=(name, *cls.fixed_out_keys))
        shape: Any = cls.output_shape(context.in_shapes, options)
        if not isinstance(shape, tuple):
            raise ConfigError(f"output_shape must give a tuple, the sizes without the batch, got {shape!r}")
        return module, shape
    except (MettaError, ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
        raise ConfigError(f"component {name!r} ({target}): {error}") from error


def component_class(target: Any) -> type[MettaModule]:
    """The class that `_target_` names.

    Only this package is imported on demand. A class from elsewhere must already be imported: a config may come out of
    a checkpoint, and reading one must not run code.

    Raises:
        ConfigError: "no such component class ...".
    """
    module_name, _, class_name = str(target).rpartition(".")
    if module_name == PROPOSED_PACKAGE:
        module_name = _own_module_of(class_name)
    package, _, stem = module_name.rpartition(".")
    if package in OWN_PACKAGES and stem.isidentifier():
        try:
            importlib.import_module(module_name)
        except ModuleNotFoundError as error:
            why = "" if error.name == module_name else f"; {module_name} needs {error.name}, which cannot be imported"
            raise ConfigError(f"no such component class: {target}{why}") from error
    # Not getattr: a package may import more when it is asked for a name.
    found = vars(sys.modules.get(module_name, object)).get(class_name)
    if not (isinstance(found, type) and issubclass(found, MettaModule)):
        rest = "one of your own must be a MettaModule, imported before the agent is built"
        raise ConfigError(f"no such component class: {target}; {rest}")
    return found


def _own_module_of(class_name: str) -> str:
    """The module of ours that a class is in, which has its name; `linear` for `LinearModule`."""
    wanted = class_name.removesuffix("Module").lower()
    for package in OWN_PACKAGES:
        for found in pkgutil.iter_modules(importlib.import_module(package).__path__):
            if found.name.replace("_", "") == wanted:
                return f"{package}.{found.name}"
    return PROPOSED_PACKAGE


def _sources(name: str, config: Mapping[str, Any]) -> list[dict[str, Any]]:
    entries = config.get("sources") or []
    if not isinstance(entries, list):
        raise ConfigError(f"component {name!r}: sources must be a list, got {entries!r}")
    sources = [{"name": entry} if isinstance(entry, str) else entry for entry in entries]
    for source in sources:
        if not isinstance(source, dict) or not isinstance(source.get("name"), str):
            raise ConfigError(f"component {name!r}: a source is a name or a mapping with one, got {source!r}")
    return sources
