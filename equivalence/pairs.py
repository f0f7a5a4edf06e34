"""From files or configs to a `Pair`: the same policy in both stacks."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import torch
from torch import nn

import migrate
from equivalence.finding import Pair
from equivalence.origin import restored
from equivalence.strategies import AgentSizes
from migrate import config_rules
from migrate.agent_rules import ERA, era_of_config
from migrate.api import era_as_told, read_policy
from migrate.config import read_agent_config
from migrate.config_era import config_era
from migrate.errors import UsageError
from migrate.old_names import parameter_names_of
from migrate.old_tables import table_of
from migrate.registry import LAYERS
from modules import Environment

CONFIGS = (".yaml", ".yml")
DEFAULT_ACTIONS: tuple[list[str], list[int]] = (["noop", "move", "rotate", "attack"], [0, 1, 3, 2])
DEFAULT_FEATURES = ("agent", "agent:group", "hp", "agent:frozen", "agent:orientation", "agent:color", "wall", "color")


FEATURES, TOKENS, SIDE, NVEC = 24, 40, 11, (4, 4)
READ_TOKENS = "obs_token_"
"""How the stems of components begin that read observations as tokens."""


def default_environment(config: Mapping[str, Any] | None = None) -> Environment:
    """An environment to build a config in: 11 x 11 cells, 24 features of the old table, boxes or 40 tokens.

    Args:
        config: the new config of the agent, which says how it reads observations; boxes if not given.
    """
    names = tuple(DEFAULT_FEATURES[i % len(DEFAULT_FEATURES)] for i in range(FEATURES))
    era = era_of_config(config or {})
    divisors = tuple(table_of(era)[name] for name in names)
    targets = [str(component["_target_"]) for component in (config or {}).get("components", {}).values()]
    if not any(target.startswith(f"{LAYERS['modules']}{READ_TOKENS}") for target in targets):
        return Environment((SIDE, SIDE, FEATURES), divisors, names, NVEC)
    unnamed = () if era.is_since("2025-06-04") else names
    return Environment((TOKENS, 3), divisors, unnamed, NVEC, obs_width=SIDE, obs_height=SIDE)


def pair_of_files(old: Path, new: Path | None = None, era: str | None = None) -> Pair:
    """The policies of two files, or of one file in both stacks.

    Args:
        old: what runs in the old stack: a checkpoint or a config, old or new.
        new: what runs in the new stack; None for `old`, migrated in memory.
        era: of old files, where they do not tell: an era or a date. If not given, what `new` says.

    Raises:
        UsageError: a config with a checkpoint, or one that names another era.
        MettaError: files that cannot be used.
    """
    new = new or old
    if (old.suffix in CONFIGS) != (new.suffix in CONFIGS):
        raise UsageError("compare two configs or two policies", where=f"{old}, {new}")
    if old.suffix in CONFIGS:
        there, here = (_of_era(read_agent_config(path), era, path) for path in (old, new))
        return pair_of_configs({ERA: here[ERA], **there} if ERA in here else there, here)
    agent = migrate.load_policy(new, "modules", era)
    if era is None and new != old:
        era = era_as_told(old, era_of_config(agent.config).date)
    old_config = read_policy(old, era).config
    pair = make_pair(migrate.load_policy(old, "legacy", era), agent)
    return replace(pair, old_config=old_config, besides=restored(old, new))


def _of_era(config: Mapping[str, Any], era: str | None, where: Path) -> Mapping[str, Any]:
    """A config that names the era that the user gives, if any.

    Raises:
        UsageError: it names another one.
    """
    own = config.get(ERA)
    if era is None:
        return config
    if own is not None and str(own) != era:
        raise UsageError(f"says that it is of the era {own}, and not {era}", where=where, fix="leave --era out")
    return {**config, ERA: era}


def pair_of_configs(
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    environment: Environment | None = None,
    seed: int = 0,
    actions: tuple[list[str], list[int]] | None = None,
) -> Pair:
    """Fresh agents from one seed.

    Args:
        old: the config for the old stack, of either.
        new: the config for the new stack, of either.
        environment: what they are built for.
        seed: of the initial weights.
        actions: names and largest parameters of what is activated; `DEFAULT_ACTIONS` if not given.
    """
    environment = environment or default_environment(new_config_of(new))
    agents, generators = [], []
    with torch.random.fork_rng(devices=[]):
        for config, stack in ((old, "legacy"), (new, "modules")):
            torch.manual_seed(seed)
            agents.append(migrate.build_agent({**config, config_rules.STACK: stack}, environment))
            generators.append(hashlib.sha256(torch.get_rng_state().numpy().tobytes()).hexdigest())
    for agent in agents:
        if hasattr(agent, "activate_actions") and not has_two_heads(agents[1]):
            agent.activate_actions(*(actions or DEFAULT_ACTIONS), "cpu")
    drawn = {("generator", "after building"): (generators[0], generators[1])}
    return replace(make_pair(agents[0], agents[1]), old_config=old, besides=drawn)


def new_config_of(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """An agent config of either stack in the words of the new one."""
    if config_rules.is_new(config):
        return config
    era = config_era(config, "config", config.get("era"))[0]
    return config_rules.to_new_agent(config, era, "config")[0]


def make_pair(old: nn.Module, new: nn.Module) -> Pair:
    """Both agents of one policy, with actions active.

    Raises:
        UsageError: a policy without active actions, or two with other ones.
    """
    agent = cast(Any, new)
    two_heads = has_two_heads(agent)
    if agent.action_space is None and not two_heads:
        raise UsageError("the policy has no active actions, so nothing can be sampled", fix="activate them and save it")
    core = next((module for module in agent.components.values() if hasattr(module, "initial_state")), None)
    sizes = AgentSizes(
        agent.environment.obs_shape,
        core.num_layers if core is not None else 0,
        core.hidden_size if core is not None else 0,
        () if two_heads else tuple(agent.action_space.max_params),
        tuple(agent.environment.action_nvec) if two_heads else (),
        agent.environment.ids,
        era_of_config(agent.config).is_since("E8"),
    )
    return Pair(old, new, parameter_names_of(agent.config), sizes, (getattr(old, "policy", old).training, new.training))


def has_two_heads(agent: Any) -> bool:
    """Whether an agent draws type and parameter of an action apart, as E1 to E3 did."""
    return bool(agent.has_two_heads)


ALIKE = ("weights", "inference", "forward", "gradients", "rollout", "sampling", "training")
"""Levels that two agents of one stack can be compared on."""


def twins(pair: Pair, side: str) -> Pair:
    """An agent of one stack against its own copy; what differs then, no migration has made.

    Args:
        pair: whose agent is taken.
        side: `old` or `new`.
    """
    agent = getattr(pair, side)
    own = {name: name for name, _ in [*agent.named_parameters(), *agent.named_buffers()]}
    return replace(pair, old=agent, new=deepcopy(agent), names=own, graph=pair.sources, is_of_one_stack=True)
