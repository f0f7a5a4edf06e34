"""Agents of E10 and E11 by the name of their architecture: their components were Python classes, not YAML."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from legacy import component_policies
from migrate import eras
from migrate.agent_rules import ERA, spoken
from migrate.config_rules import STACK
from migrate.eras import AGENTS, Era
from migrate.errors import UsageError

NAMES = component_policies.architectures(component_policies.E11)


def architecture_in(config: Mapping[str, Any]) -> str | None:
    """The architecture that an agent config, or a job's `agent`, names; None where it names none."""
    agent = config.get("agent", config)
    name = agent.get("name") if isinstance(agent, Mapping) else agent
    return name if isinstance(name, str) and name in NAMES else None


def written_out(config: Mapping[str, Any], era: Era | None, where: object) -> dict[str, Any]:
    """The config with the components that its architecture had at an era.

    Args:
        config: plain values; names an architecture.
        era: of the checkpoint beside the config; without one, the config's own `era` decides.
        where: the file.

    Raises:
        UsageError: no era, or one at which there was no such architecture.
    """
    name, agent = architecture_in(config), config.get("agent", config)
    options = dict(agent) if isinstance(agent, Mapping) else {}
    if given := options.get(ERA, config.get(ERA)):
        era = eras.named(given, where)
    if era is None:
        raise UsageError(
            f"names the architecture {name!r}, whose actor is one component in E10 and two in E11",
            where=where,
            fix="add `era: E10` or `era: E11`, or give a checkpoint",
        )
    if not era.is_since("E10") or name not in component_policies.architectures(era.date):
        raise UsageError(
            f"names the architecture {name!r}, which there was not in {era.name}",
            where=where,
            fix="give the config that the policy was trained with",
        )
    return {
        "_target_": AGENTS[0],
        "observations": {"obs_key": "grid_obs"},
        "clip_range": options.get("clip_range", 0),
        "components": component_policies.components(str(name), era.date),
        ERA: spoken(era),
        **({STACK: config[STACK]} if STACK in config else {}),
        **({STACK: options[STACK]} if STACK in options else {}),
    }
