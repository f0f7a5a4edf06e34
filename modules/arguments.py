"""What a config may say of a component: the arguments of its class, and what the graph decides among them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from numbers import Integral
from typing import Any

from modules.errors import ConfigError
from modules.module import MettaModule

NOT_ARGUMENTS = ("_target_", "sources")


def plain(config: Any) -> Any:
    """Nested mappings and sequences, such as OmegaConf's, as plain dicts and lists; numbers of numpy as plain ones."""
    if isinstance(config, Mapping):
        return {str(key): plain(value) for key, value in config.items()}
    if isinstance(config, Sequence) and not isinstance(config, (str, bytes)):
        return [plain(value) for value in config]
    if not isinstance(config, (bool, int)) and isinstance(config, Integral):
        return int(config)
    return config


def options_of(cls: type[MettaModule], config: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments that a component's config gives its class.

    Raises:
        ConfigError: "unknown key(s) ...".
    """
    options = {key: value for key, value in config.items() if key not in NOT_ARGUMENTS}
    known = argument_names(cls)
    unknown = [key for key in options if key not in known]
    if unknown:
        raise ConfigError(f"unknown key(s) {', '.join(unknown)}; known are: {', '.join(sorted(known)) or 'none'}")
    return options


def merged(cls: type[MettaModule], decided: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Constructor arguments; a config may repeat what the graph decides, but not contradict it.

    Raises:
        ConfigError: "... but the graph and the environment give ...", "missing key(s) ...".
    """
    for key, value in decided.items():
        if key in given and plain(given[key]) != plain(value):
            decision = f"but the graph and the environment give {plain(value)!r}; remove it"
            raise ConfigError(f"{key} is {given[key]!r} in the config, {decision}")
    merged = {**decided, **given}
    missing = [key for key in _parameters(cls, required=True) if key not in merged]
    if missing:
        raise ConfigError(f"missing key(s) {', '.join(missing)}")
    return merged


def _find_argument_names(cls: type[MettaModule]) -> set[str]:
    names: set[str] = set()
    for parent in cls.__mro__:
        if parent is MettaModule:
            break
        names.update(_parameters(parent))
        if not any(p.kind is p.VAR_KEYWORD for p in inspect.signature(parent).parameters.values()):
            break
    return names


def _find_parameters(cls: type, *, required: bool = False) -> list[str]:
    """Named constructor arguments that a config may give; only those without default if `required`."""
    return [
        p.name
        for p in inspect.signature(cls).parameters.values()
        if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL) and p.name not in ("in_keys", "out_keys")
        if not required or p.default is p.empty
    ]


# A signature takes longer to read than most components take to build.
argument_names: Callable[..., set[str]] = cache(_find_argument_names)
_parameters: Callable[..., list[str]] = cache(_find_parameters)
