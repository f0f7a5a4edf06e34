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
    """The architecture that an agent config, or a job's `agent`, names; None where it names none.

    Where components are written out, they are what counts, whatever the agent is called.
    """
    agent = config.get("agent", config)
    if isinstance(agent, Mapping) and "components" in agent:
        return None
    name = agent.get("name") if isinstance(agent, Mapping) else agent
    return name if isinstance(name, str) and name in NAMES else None


def written_out(name: str, options: Mapping[str, Any], era: Era | None, where: object) -> dict[str, Any]:
    """The agent config with the components that an architecture had at an era.

    Args:
        name: of the architecture.
        options: what else the agent config says; its `era` comes before the other.
        era: of the checkpoint beside the config.
        where: the file.

    Raises:
        UsageError: no era, or one at which there was no such architecture.
    """
    if given := options.get(ERA):
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
        "components": component_policies.components(name, era.date),
        ERA: spoken(era),
        **({STACK: options[STACK]} if STACK in options else {}),
    }
