"""`make_policy`: the agent of any era, for a config and an environment."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from omegaconf import OmegaConf
from torch import nn

from legacy import agent_versions, component_policies, early_agent, memory_agent, policy_agent
from legacy.agent import FROM_ENVIRONMENT
from legacy.spaces import Box, Dict

VERSIONS: tuple[tuple[str, type[nn.Module]], ...] = (
    *early_agent.VERSIONS,
    *agent_versions.VERSIONS,
    *memory_agent.VERSIONS,
    *policy_agent.VERSIONS,
)
"""Date of the first commit -> agent, in order."""
REFERENCE = "2025-05-22"
NOT_CONFIG = ("_target_",)
NAMED_SINCE = "2025-08-19"
"""From when on a config named an architecture instead of listing components."""


def agent_class(date: str) -> Any:
    """The agent that was in force on a date."""
    return [cls for since, cls in VERSIONS if date >= since][-1]


def date_of(agent: nn.Module) -> str:
    """A date on which the class of an agent was in force; the reference date if it was then."""
    if type(agent) is agent_class(REFERENCE):
        return REFERENCE
    return next(since for since, cls in VERSIONS if cls is type(agent))


def is_agent(obj: object) -> bool:
    """Whether something is an agent of the old stack, of whatever era."""
    return isinstance(obj, tuple({cls for _, cls in VERSIONS}))


def make_policy(env: Any, cfg: Any, date: str = REFERENCE) -> Any:
    """Builds the agent that `cfg.agent` describes for the spaces and features of `env`.

    Args:
        env: anything with `single_observation_space`, `single_action_space`, and what the era wants of
            `grid_features`, `feature_normalizations`, `obs_width` and `obs_height`.
        cfg: a config with `agent` and `device`; the `_target_`s inside must be importable. From E10 on `agent` may be
            the name of an architecture, or name it with `name`.
        date: of the code.
    """
    options = _options(cfg.agent, date)
    obs_space = Dict({"grid_obs": env.single_observation_space, "global_vars": Box([0], np.int32)})
    facts = {name: getattr(env, name, None) for name in FROM_ENVIRONMENT}
    return agent_class(date)(
        obs_shape=env.single_observation_space.shape,
        obs_space=obs_space,
        action_space=env.single_action_space,
        device=cfg.device,
        **{name: value for name, value in facts.items() if value is not None},
        **options,
    )


def _options(agent: Any, date: str) -> dict[str, Any]:
    """What an agent is built from, besides what its environment says."""
    if isinstance(agent, str):
        agent = {"name": agent}
    config = cast(dict[str, Any], OmegaConf.to_container(OmegaConf.create(agent), resolve=False))
    options = {key: value for key, value in config.items() if key not in NOT_CONFIG}
    if date < NAMED_SINCE or "components" in options:
        return options
    components = component_policies.components(options.get("name", "fast"), date, own=True)
    return {"observations": {"obs_key": "grid_obs"}, "clip_range": 0, **options, "components": components}
