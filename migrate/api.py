"""What other programs call: load any policy, and its optimizer state, into either stack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

import legacy
import modules
from migrate.agent_rules import DEFAULT_ERA
from migrate.archive import check_finite, read_checkpoint
from migrate.config_rules import HOW_IT_RUNS
from migrate.eras import Era, named
from migrate.errors import UnusableFileError, UsageError
from migrate.migration import migrate_checkpoint
from migrate.old_names import parameter_names_of
from migrate.old_policy import read_old_policy
from migrate.old_tables import table_of
from migrate.optimizer import check_shapes, positional, trainer_state_of
from migrate.plan import make_plan
from migrate.revive import revive
from migrate.shadow import served
from migrate.to_legacy import legacy_agent_from
from migrate.trainer_state import read_trainer_state
from modules.checkpoint import agent_from
from modules.policy_file import PolicyFile, read_policy_file

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
    return migrate_checkpoint(plan, checkpoint)


def era_as_told(path: str | Path, told: str | None) -> str | None:
    """The era to read an old policy as: `told`, if the file leaves it open or contradicts itself; None for its own."""
    if told is None or is_new_file(path):
        return None
    wanted = named(told, path)
    try:
        found = read_old_policy(read_checkpoint(path)).era
    except UnusableFileError:
        return wanted.date
    return wanted.date if found.earliest <= wanted.date <= found.date else None


def load_policy(path: str | Path, stack: str, era: str | None = None) -> Any:
    """Any policy file as an agent of either stack. The global random generator is left as it was.

    An old file becomes an old agent object by object, without any rule of the migration.

    Args:
        path: an old checkpoint or a new `.safetensors`.
        stack: `legacy` or `modules`.
        era: of an old checkpoint, where it does not tell: an era or a date, as for `--era`.

    Raises:
        UsageError: another stack.
        MigrationError, CheckpointError: a file that is damaged, unsafe, or cannot be migrated.
    """
    check_stack(stack, path)
    with torch.random.fork_rng(devices=[]):
        if stack == "modules":
            return agent_from(read_policy(path, era), path)
        if is_new_file(path):
            return legacy_agent_from(read_policy_file(path), path)
        agent = revive(read_checkpoint(path), era)
        check_finite(agent.state_dict(), path)
        return agent


def run_as(config: Mapping[str, Any], agent: Any) -> Any:
    """The loaded agent, computed as the config says, which a checkpoint does not know; the old stack has one way."""
    said = {key: config.get(key, default) for key, default in HOW_IT_RUNS.items()}
    if not isinstance(agent, modules.MettaAgent):
        return agent
    changes = {key: value for key, value in said.items() if agent.config.get(key, HOW_IT_RUNS[key]) != value}
    return modules.with_config(agent, changes) if changes else agent


def check_stack(stack: Any, where: object, known: Sequence[str] = STACKS) -> None:
    """Refuses a stack that does not exist.

    Raises:
        UsageError: "stack must be ...".
    """
    if stack not in known:
        names = f"{', '.join(known[:-1])} or {known[-1]}"
        raise UsageError(f"stack must be {names}, got {stack!r}", where=where)


def parameter_names(agent: nn.Module) -> dict[str, str]:
    """This agent's parameter names -> the names that an old file has for them, in this agent's order."""
    agent = served(agent)
    own = [name for name, _ in agent.named_parameters()]
    if legacy.is_agent(agent):
        return {name: name for name in own}
    old = parameter_names_of(_config_of(agent))
    if strange := [name for name in own if name not in old]:
        what = f"the agent has parameters that its config does not build: {', '.join(strange)}"
        raise UsageError(what, fix="name the optimizer's parameters and save its state yourself, or undo the change")
    return {name: old[name] for name in own}


def _config_of(agent: nn.Module) -> Mapping[str, Any]:
    if not isinstance(agent, modules.MettaAgent):
        raise UsageError(f"not an agent of either stack: {type(agent).__name__}")
    return agent.config


def load_optimizer_state(path: str | Path, agent: nn.Module) -> dict[str, Any]:
    """The saved optimizer state for `torch.optim.<class>(agent.parameters())`, in this agent's parameter order.

    Where it has several groups or some of the parameters, each group is in that order.

    Args:
        path: an old `trainer_state.pt`, or a new policy that was migrated with one.
        agent: an agent of either stack, for the same policy.

    Raises:
        UnusableFileError: no optimizer state in the file, or one for other parameters.
    """
    agent = served(agent)
    names = [name for name, _ in agent.named_parameters()]
    if is_new_file(path):
        content = read_policy_file(path)
        state = trainer_state_of(content, path)
        if legacy.is_agent(agent):
            new_of = {old: new for new, old in parameter_names_of(content.config).items()}
            names = [new_of.get(name, name) for name in names]
    else:
        checkpoint = read_checkpoint(path)
        state = read_trainer_state(checkpoint, _old_order(agent, list(parameter_names(agent))))
        state.tensors = {key: checkpoint.tensor(ref) for key, ref in state.tensors.items()}
    result = positional(state, names, path)
    shapes = [tuple(parameter.shape) for parameter in agent.parameters()]
    check_shapes(state.tensors, dict(zip(names, shapes, strict=True)), path)
    return result


def _old_order(agent: nn.Module, names: list[str]) -> list[str]:
    """The agent's parameters in the order in which the old stack counts them (trap 3)."""
    if legacy.is_agent(agent):
        return names
    return [name for name in parameter_names_of(_config_of(agent)) if name in names]


def environment_from(env: Any, era: Era = DEFAULT_ERA) -> modules.Environment:
    """What an agent must know of `env`: an `Environment`, its fields in a mapping, or the old trainer's environment.

    Args:
        env: see above.
        era: whose table gives divisors to features that have a name alone.

    Raises:
        UsageError: none of these, or features without a known divisor.
    """
    if isinstance(env, modules.Environment):
        return env
    if isinstance(env, Mapping):
        return modules.Environment.from_dict(env)
    try:
        told = getattr(env, "feature_normalizations", None)
        names = tuple(getattr(env, "grid_features", None) or ()) if told is not None else tuple(env.grid_features)
        table = table_of(era)
        by_number = dict(enumerate(table[name] for name in names)) if told is None else _by_number(told)
        ids = tuple(by_number)
        return modules.Environment(
            obs_shape=tuple(env.single_observation_space.shape),
            feature_normalizations=tuple(float(divisor) for divisor in by_number.values()),
            feature_names=names if len(names) == len(ids) else (),
            action_nvec=tuple(int(n) for n in env.single_action_space.nvec),
            feature_ids=() if ids == tuple(range(len(ids))) else ids,
            obs_width=getattr(env, "obs_width", 0),
            obs_height=getattr(env, "obs_height", 0),
        )
    except AttributeError as error:
        raise UsageError(
            f"not an environment: {error}",
            fix="give single_observation_space, single_action_space and grid_features, or a modules.Environment",
        ) from error
    except KeyError as error:
        raise UsageError(f"the old table has no divisor for the feature {error}") from error


def _by_number(told: Any) -> dict[Any, float]:
    return dict(told) if isinstance(told, Mapping) else dict(enumerate(told))
