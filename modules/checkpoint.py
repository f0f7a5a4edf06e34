"""Saving and loading agents: what a policy file says of one, and back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from modules.agent import MettaAgent
from modules.arguments import plain
from modules.environment import Environment
from modules.errors import CheckpointError, MettaError
from modules.features import FeatureMap
from modules.interop import unwrapped
from modules.policy_file import ATTRIBUTE, STATE_DICT, TRAINER, PolicyFile, read_policy_file, write_atomically
from modules.savable import check_config
from modules.weight_module import WeightModule
from modules.wrappers.wrapper import innermost


def agent_from(content: PolicyFile, where: object) -> MettaAgent:
    """The agent that a policy file describes, with weights, attributes and active actions.

    Raises:
        CheckpointError: content that contradicts itself.
    """
    try:
        agent = MettaAgent(content.config, Environment.from_dict(content.environment))
        agent.action_space = None  # which actions are active, the file says
        _restore_attributes(agent, content)
        _restore_tensors(agent, {key: value for key, value in content.tensors.items() if key.startswith(STATE_DICT)})
        if content.actions is not None:
            _restore_actions(agent, content.actions)
        agent.features = None if content.features is None else FeatureMap.from_dict(content.features)
        for name in content.frozen:
            agent.get_parameter(name).requires_grad_(False)
        agent.train(content.training)
        for name in content.otherwise:
            agent.components[name].train(not content.training)
        agent.provenance = dict(content.extra)
    except (MettaError, ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
        raise CheckpointError(f"{where}: the policy contradicts itself: {error}") from error
    return agent


def _restore_attributes(agent: MettaAgent, content: PolicyFile) -> None:
    saved = {(name, key): value for name, values in content.attributes.items() for key, value in values.items()}
    for reference, tensor in content.tensors.items():
        if reference.startswith(ATTRIBUTE):
            name, _, key = reference.removeprefix(ATTRIBUTE).rpartition(".")
            saved[name, key] = tensor
    expected = {
        (name, key): module
        for name, module in agent.components.items()
        for key in getattr(module, "saved_attributes", ())
    }
    for name, key in saved.keys() - expected.keys():
        raise CheckpointError(f"component {name!r} has no attribute {key!r} to restore")
    for (name, key), module in expected.items():
        # Without it the agent would keep a value that belongs to its random initial weights.
        if (name, key) not in saved:
            raise CheckpointError(f"the attribute {key!r} of component {name!r} is missing")
        own, value = getattr(module, key), saved[name, key]
        if isinstance(own, Tensor) and isinstance(value, Tensor) and own.shape != value.shape:
            shapes = f"{list(value.shape)} in the file, {list(own.shape)} by the config"
            raise CheckpointError(f"the attribute {key!r} of component {name!r} has the shape {shapes}")
        setattr(module, key, value)


def _restore_tensors(agent: MettaAgent, tensors: dict[str, Tensor]) -> None:
    """The state dict, in the precision in which it was saved."""
    for name, own in agent.state_dict(keep_vars=True).items():
        if name in tensors and tensors[name].dtype != own.dtype:
            own.data = own.data.to(tensors[name].dtype)
    agent.load_state_dict(tensors)


def _restore_actions(agent: MettaAgent, actions: dict[str, Any]) -> None:
    """Activates the actions that were active, which must give the rows that were active."""
    before = {key: value for key, value in agent.state_dict().items() if key.endswith(".active_indices")}
    agent.activate_actions(actions["names"], actions["max_params"])
    for key, value in before.items():
        if not torch.equal(value, agent.state_dict()[key]):
            raise CheckpointError(f"the actions and their rows do not give {key}")


def load_agent(path: str | Path) -> MettaAgent:
    """A saved policy, ready to act if its actions were active when it was saved.

    Reading runs no code of the file. The global random generator is left as it was.

    Args:
        path: a `.safetensors` file, migrated or written by `save_agent`.

    Raises:
        CheckpointError: the file is missing, damaged, or no policy.
    """
    with torch.random.fork_rng(devices=[]):
        return agent_from(read_policy_file(path), path)


def policy_file_of(agent: MettaAgent) -> PolicyFile:
    """The content of a file that brings `agent` back, also where `torch.compile` or a parallel class is around it.

    Raises:
        CheckpointError: "not an agent of the new stack: ...";
            "component ... is not what the config builds ...", after a hot swap for instance.
    """
    agent = unwrapped(agent)
    if not isinstance(agent, MettaAgent):
        raise CheckpointError(
            f"not an agent of the new stack: {type(agent).__name__}\n"
            "  -> migrate.save_policy takes agents of either stack, and shadows"
        )
    check_config(agent)
    # What an earlier file of this policy said of an optimizer is no longer true.
    extra = {key: value for key, value in agent.provenance.items() if key != TRAINER}
    content = PolicyFile(config=agent.config, environment=agent.environment.to_dict(), extra=extra)
    content.training = agent.training
    content.otherwise = [name for name, module in agent.components.items() if module.training != agent.training]
    content.frozen = [name for name, parameter in agent.named_parameters() if not parameter.requires_grad]
    content.tensors.update(agent.state_dict())
    for name, module in agent.components.items():
        for key in getattr(module, "saved_attributes", ()):
            value = getattr(module, key)
            if isinstance(value, Tensor):
                content.tensors[f"{ATTRIBUTE}{name}.{key}"] = value
            else:
                content.attributes.setdefault(name, {})[key] = value
    content.features = None if agent.features is None else agent.features.to_dict()
    if agent.action_space is not None:
        content.actions = {"names": agent.action_space.names, "max_params": agent.action_space.max_params}
    return content


def with_config(agent: MettaAgent, changes: Mapping[str, Any]) -> MettaAgent:
    """A copy of a policy under a config with other values: with its weights, anchors, embedding rows, actions and past.

    Clip limits follow where `clip_range` or a `clip_scale` changes. The copy has no wrappers.

    Args:
        agent: stays as it is.
        changes: go into its config, at any depth, such as `{"components": {"fc1": {"l2_init_scale": 0.1}}}`.

    Raises:
        CheckpointError: changes with which the policy's tensors or attributes do not fit, or of actions or environment.
    """
    agent = unwrapped(agent)
    if "environment" in changes:
        raise CheckpointError("with_config keeps the environment: its sizes are those of the weights")
    if "actions" in changes:
        raise CheckpointError("with_config keeps the actions that are active: call activate_actions on what it gives")
    content = policy_file_of(agent)
    content.config = _merged(content.config, plain(changes))
    with torch.random.fork_rng(devices=[]):
        result = agent_from(content, "the changed config")
    for name, module in agent.components.items():
        before, after = (innermost(each) for each in (module, result.components[name]))
        if isinstance(after, WeightModule) and after.clipping != before.clipping:
            after.clip_value = after.limit()
    return result.to(next(agent.parameters()).device)


def _merged(config: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    both = {key for key, value in changes.items() if isinstance(value, dict) and isinstance(config.get(key), dict)}
    return {**config, **changes, **{key: _merged(config[key], changes[key]) for key in both}}


def save_agent(agent: MettaAgent, path: str | Path) -> None:
    """Writes `agent` to `path`, a `.safetensors` file, whole or not at all; an existing one is replaced.

    Raises:
        CheckpointError: see `policy_file_of`; another suffix, or a place where nothing can be written.
    """
    path = Path(path)
    if path.suffix != ".safetensors":
        hint = "migrate.save_policy writes .pt, for the old stack"
        raise CheckpointError(f"{path}: a policy of the new stack is saved as .safetensors\n  -> {hint}")
    data = policy_file_of(agent).to_bytes()
    try:
        write_atomically({path: data})
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be written: {error.strerror}") from error
