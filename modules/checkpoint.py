"""Saving and loading a policy as one self-describing `.safetensors` file."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from shutil import copymode
from typing import Any

import torch
from torch import Tensor

from modules.agent import MettaAgent
from modules.environment import Environment
from modules.errors import CheckpointError, MettaError
from modules.features import FeatureMap
from modules.interop import unwrapped
from modules.savable import check_attribute, check_config

FORMAT = "metta-policy/1"
HEADER = "metta"
ATTRIBUTE, STATE_DICT = "attributes.", "components."


@dataclass
class PolicyFile:
    """The content of a policy file.

    Attributes:
        config: the agent's config.
        environment: see `Environment`.
        attributes: per component, what belongs to it outside the state dict; those that are tensors stand in `tensors`
            under `attributes.<component>.<name>`.
        actions: `{"names": [...], "max_params": [...]}`, or None before activation.
        features: what the agent keeps of the features of its environments, as lists of pairs; None if it met none.
        tensors: the state dict under its own keys, tensors of attributes, and whatever else a writer keeps.
        training: the mode that the agent was saved in.
        frozen: parameters that need no gradient.
        extra: what a writer keeps beside it, such as the provenance of a migration; JSON values.
    """

    config: dict[str, Any]
    environment: dict[str, Any]
    attributes: dict[str, dict[str, Any]] = field(default_factory=dict)
    actions: dict[str, Any] | None = None
    features: dict[str, Any] | None = None
    tensors: dict[str, Tensor] = field(default_factory=dict)
    training: bool = True
    frozen: list[str] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """The file, the same bytes for the same content.

        Raises:
            CheckpointError: "... cannot be written as JSON ...".
        """
        from safetensors.torch import save

        header = {key: value for key, value in vars(self).items() if key != "tensors"}
        for name, values in self.attributes.items():
            for key, value in values.items():
                check_attribute(f"the attribute {key!r} of component {name!r}", value)
        # One metadata key only: safetensors writes several in random order.
        try:
            text = json.dumps({"format": FORMAT, **header}, ensure_ascii=True, separators=(",", ":"))
        except (TypeError, ValueError) as error:
            raise CheckpointError(f"config, attributes or provenance cannot be written as JSON: {error}") from error
        # Copies, since safetensors refuses tensors that share memory, such as tied weights.
        whole = torch.contiguous_format
        return save(
            {key: value.detach().clone(memory_format=whole) for key, value in self.tensors.items()}, {HEADER: text}
        )

    @classmethod
    def from_bytes(cls, data: bytes, where: object) -> PolicyFile:
        """The inverse of `to_bytes`.

        Raises:
            CheckpointError: not a policy file, a newer format, or a damaged one; the message names `where`.
        """
        from safetensors import SafetensorError
        from safetensors.torch import load

        try:
            size = int.from_bytes(data[:8], "little")
            metadata = json.loads(data[8 : 8 + size]).get("__metadata__", {})
            header = dict(json.loads(metadata[HEADER]))
            tensors = load(data)
        except (SafetensorError, ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
            raise CheckpointError(
                f"{where}: not a policy of the new stack ({type(error).__name__}: {error})\n"
                f"  -> old checkpoints become one with `python -m migrate.checkpoint`"
            ) from error
        if (found := header.pop("format", None)) != FORMAT:
            hint = "use a newer version to read it"
            raise CheckpointError(f"{where}: the file has the format {found!r}, not {FORMAT!r}\n  -> {hint}")
        try:
            return cls(tensors=tensors, **header)
        except TypeError as error:
            raise CheckpointError(f"{where}: damaged header: {error}") from error


def read_policy_file(path: str | Path) -> PolicyFile:
    """Reads a `.safetensors` policy.

    Raises:
        CheckpointError: the file is missing or is no policy.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read: {error.strerror}") from error
    return PolicyFile.from_bytes(data, path)


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
        raise CheckpointError(f"not an agent of the new stack: {type(agent).__name__}")
    check_config(agent)
    content = PolicyFile(config=agent.config, environment=agent.environment.to_dict(), extra=dict(agent.provenance))
    content.training = agent.training
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


def save_agent(agent: MettaAgent, path: str | Path) -> None:
    """Writes `agent` to `path`, a `.safetensors` file, whole or not at all; an existing one is replaced.

    Raises:
        CheckpointError: see `policy_file_of`.
    """
    write_atomically(Path(path), policy_file_of(agent).to_bytes())


def write_atomically(path: Path, data: bytes) -> None:
    """Writes a temporary file in the same folder and renames it, so that no reader sees half of it.

    A link stays one: the file that it leads to is replaced. A file that is replaced keeps its mode.
    """
    path = path.resolve()
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(data)
        if path.exists():
            copymode(path, temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
