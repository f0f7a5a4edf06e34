"""What other programs call: load any policy into either stack, and build the agent that a config's flag names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

import modules
from legacy.agent import MettaAgent as LegacyAgent
from legacy.normalizations import OBS_NORMALIZATIONS
from migrate import config_rules, eras, provenance
from migrate.archive import read_checkpoint
from migrate.errors import UnusableFileError, UsageError
from migrate.optimizer import positional, read_trainer_state, trainer_state_of
from migrate.plan import apply_plan, check_finite, make_plan
from migrate.revive import revive
from migrate.to_legacy import DEFAULT_ERA, legacy_agent, legacy_agent_from, parameter_names_of
from modules.builder import plain
from modules.checkpoint import PolicyFile, agent_from, read_policy_file

STACKS = ("legacy", "modules")


def is_new_file(path: str | Path) -> bool:
    """Whether a policy file is one of the new stack, by its name."""
    return Path(path).suffix == ".safetensors"


def read_policy(path: str | Path, era: str | None = None) -> PolicyFile:
    """Any policy file as the content of a new one; an old one is migrated in memory.

    Raises:
        MigrationError, CheckpointError: a file that is damaged, unsafe, or cannot be migrated.
    """
    if is_new_file(path):
        return read_policy_file(path)
    checkpoint = read_checkpoint(path)
    plan = make_plan(checkpoint, era)
    content = apply_plan(plan, checkpoint)
    provenance.attach(content, plan, checkpoint)
    return content


def load_policy(path: str | Path, stack: str) -> Any:
    """Any policy file as an agent of either stack. The global random generator is left as it was.

    An old file becomes an old agent object by object, without any rule of the migration.

    Args:
        path: an old checkpoint or a new `.safetensors`.
        stack: `legacy` or `modules`.

    Raises:
        UsageError: another stack.
        MigrationError, CheckpointError: a file that is damaged, unsafe, or cannot be migrated.
    """
    check_stack(stack, path)
    with torch.random.fork_rng(devices=[]):
        if stack == "modules":
            return agent_from(read_policy(path), path)
        if is_new_file(path):
            return legacy_agent_from(read_policy_file(path), path)
        agent = revive(read_checkpoint(path))
        check_finite(agent.state_dict(), path)
        return agent


def check_stack(stack: Any, where: object) -> None:
    """Refuses a stack that does not exist.

    Raises:
        UsageError: "stack must be ...".
    """
    if stack not in STACKS:
        raise UsageError(f"stack must be {' or '.join(STACKS)}, got {stack!r}", where=where)


def parameter_names(agent: nn.Module) -> dict[str, str]:
    """This agent's parameter names -> the names that an old file has for them, in this agent's order."""
    own = [name for name, _ in agent.named_parameters()]
    if isinstance(agent, LegacyAgent):
        return {name: name for name in own}
    old = parameter_names_of(_config_of(agent))
    return {name: old[name] for name in own}


def _config_of(agent: nn.Module) -> Mapping[str, Any]:
    if not isinstance(agent, modules.MettaAgent):
        raise UsageError(f"not an agent of either stack: {type(agent).__name__}")
    return agent.config


def load_optimizer_state(path: str | Path, agent: nn.Module) -> dict[str, Any]:
    """The saved optimizer state for `torch.optim.<class>(agent.parameters())`, in this agent's parameter order.

    Args:
        path: an old `trainer_state.pt`, or a new policy that was migrated with one.
        agent: an agent of either stack, for the same policy.

    Raises:
        UnusableFileError: no optimizer state in the file, or one for other parameters.
    """
    names = parameter_names(agent)
    if is_new_file(path):
        state = trainer_state_of(read_policy_file(path), path)
        order = list(names)
        if isinstance(agent, LegacyAgent):
            new_of = {old: new for new, old in parameter_names_of(read_policy_file(path).config).items()}
            order = [new_of[name] for name in names]
        return positional(state, order, path)
    checkpoint = read_checkpoint(path)
    state = read_trainer_state(checkpoint, list(names))
    loaded = {key: checkpoint.tensor(ref) for key, ref in state.tensors.items()}
    return positional(replace(state, tensors=loaded), list(names), path)


def environment_from(env: Any) -> modules.Environment:
    """What an agent must know of `env`: an `Environment`, a mapping of its fields, or an environment of the old trainer.

    Raises:
        UsageError: none of these, or features without a known divisor.
    """
    if isinstance(env, modules.Environment):
        return env
    if isinstance(env, Mapping):
        return modules.Environment.from_dict(env)
    try:
        names = tuple(env.grid_features)
        return modules.Environment(
            obs_shape=tuple(env.single_observation_space.shape),
            feature_normalizations=tuple(float(OBS_NORMALIZATIONS[name]) for name in names),
            feature_names=names,
            action_nvec=tuple(int(n) for n in env.single_action_space.nvec),
        )
    except AttributeError as error:
        raise UsageError(
            f"not an environment: {error}",
            fix="give single_observation_space, single_action_space and grid_features, or a modules.Environment",
        ) from error
    except KeyError as error:
        raise UsageError(f"the old table has no divisor for the feature {error}") from error


def build_agent(cfg: Any, env: Any, checkpoint: str | Path | None = None) -> Any:
    """The agent of the stack that the config's flag `stack: legacy | modules` names.

    Config and checkpoint may be old or new, in any combination; without the flag, the config's own stack is built.

    Args:
        cfg: an agent config, or a job config with one under `agent`; plain or OmegaConf.
        env: see `environment_from`.
        checkpoint: a policy to load; its architecture must be that of the config.

    Raises:
        UsageError: an unknown stack, or a config that describes another policy than the checkpoint.
        MigrationError, MettaError: files that cannot be used, configs that cannot be built.
    """
    _, config = config_rules.agent_node(plain(cfg), "config")
    config_rules.check_agent(config, "config")
    new = config_rules.is_new(config)
    stack = config.get(config_rules.STACK, STACKS[new])
    check_stack(stack, "config")
    era = DEFAULT_ERA if new else eras.of_config(config["components"], "config")
    own = {key: value for key, value in config.items() if key != config_rules.STACK}
    new_config = own if new else config_rules.to_new_agent(own, era, "config")[0]
    environment = environment_from(env)
    if checkpoint is not None:
        content = read_policy(checkpoint)
        check_agreement(new_config, environment, content, checkpoint)
        return load_policy(checkpoint, stack)
    if stack == "modules":
        return modules.MettaAgent(new_config, environment)
    return legacy_agent(config_rules.to_old_agent(own, era, "config") if new else own, environment, era, "config")


def check_agreement(
    config: Mapping[str, Any], environment: modules.Environment, content: PolicyFile, where: object
) -> None:
    """Refuses a config or an environment for another policy: same keys need not mean the same function (trap 7).

    Raises:
        UsageError: the first component or size that differs, with both readings.
    """
    saved, given = content.config["components"], config["components"]
    for name in dict.fromkeys([*saved, *given]):
        if (here := given.get(name)) != (there := saved.get(name)):
            raise UsageError(
                f"component {name!r} is {here} in the config and {there} in the checkpoint",
                where=where,
                fix="use the config that the policy was trained with; the checkpoint holds it",
            )
    if list(saved) != list(given):
        raise UsageError("the config lists the components in another order", where=where, fix="keep the order")
    kept = modules.Environment.from_dict(content.environment)
    if kept.obs_shape != environment.obs_shape:
        raise UsageError(f"the environment observes {environment.obs_shape}, the policy {kept.obs_shape}", where=where)
