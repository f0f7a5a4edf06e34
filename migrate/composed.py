"""The agent in a job config as Hydra composed it, or in plain values: read once, with the flags of the job."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from omegaconf import MISSING, DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from migrate import config_rules
from migrate.agent_rules import ERA, FIXED
from migrate.config_rules import STACK
from migrate.errors import UsageError
from migrate.shadow import SHADOW
from modules.arguments import plain

WHERE = "config"
NEEDED = (STACK, SHADOW, "era", "clip_range", "numerics", "components", *FIXED)
OF_THE_JOB = (STACK, SHADOW)
"""Keys of an agent config that may stand beside it in the job instead."""
COMPOSE = "add the key that it names to the job, or write the value itself"


def agent_config(cfg: Any) -> dict[str, Any]:
    """The agent's config as plain values, with the flags of the job where the agent has none."""
    if not isinstance(cfg, Mapping | DictConfig):
        raise UsageError(f"the config is a {type(cfg).__name__}, expected a mapping", where=WHERE)
    try:
        _, node = config_rules.agent_node(cfg, WHERE)
    except OmegaConfBaseException as error:
        raise UsageError(f"the agent is not resolved: {error.msg}", where=WHERE, fix=COMPOSE) from error
    config = {str(key): value_of(node, key) for key in node}
    for key in OF_THE_JOB if node is not cfg else ():
        if key in cfg and config.setdefault(key, value_of(cfg, key)) != value_of(cfg, key):
            said = f"{value_of(cfg, key)!r} in the job and {config[key]!r} in its agent"
            raise UsageError(f"{key} is {said}", where=WHERE, fix="say it in one place")
    _check_resolved(config, node)
    return config


def era_in(cfg: Any) -> str | None:
    """The era that a config names, in its agent or in the job; None where it is left open or not resolved."""
    job = {key: value_of(cfg, key) for key in ("agent", ERA) if isinstance(cfg, Mapping | DictConfig) and key in cfg}
    agent = job.get("agent")
    said = (agent.get(ERA) if isinstance(agent, Mapping) else None) or job.get(ERA)
    return None if said is None or said == MISSING or "${" in str(said) else str(said)


def _check_resolved(config: Mapping[str, Any], node: Any) -> None:
    """Refuses values that were not known when `config` was read off `node`.

    Raises:
        UsageError: "... is '${...}', which is not resolved", "... is '???', which stands for a value that is missing".
    """
    read = {key: config.get(key) for key in NEEDED} | {"observations.obs_key": _obs_key(config)}
    for key, value in read.items():
        for place, text in _texts(value, key):
            if "${" in text:
                fix = COMPOSE if isinstance(node, DictConfig) else "give the composed OmegaConf config"
                raise UsageError(f"{place} is {text!r}, which is not resolved", where=WHERE, fix=fix)
            if text == MISSING:
                raise UsageError(
                    f"{place} is {text!r}, which stands for a value that is missing",
                    where=WHERE,
                    fix=f"write one, or give it on the command line: agent.{place}=...",
                )


def _obs_key(config: Mapping[str, Any]) -> Any:
    """What the old agent read of `observations`; the rest may stay an interpolation."""
    observations = config.get("observations")
    return observations.get("obs_key") if isinstance(observations, Mapping) else None


def value_of(node: Any, key: Any) -> Any:
    """A plain value, in which what does not resolve stays as it is written.

    What the agent does not read was never resolved by the old stack either, so it may not resolve.
    """
    try:
        value = node[key]
    except OmegaConfBaseException:
        return cast(Any, OmegaConf.to_container(node, resolve=False))[key]
    if isinstance(value, DictConfig):
        return {str(inner): value_of(value, inner) for inner in value}
    if isinstance(value, ListConfig):
        return [value_of(value, i) for i in range(len(value))]
    return plain(value)


def _texts(value: Any, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, Mapping | list):
        entries = value.items() if isinstance(value, Mapping) else enumerate(value)
        for key, inner in entries:
            yield from _texts(inner, f"{place}.{key}")
