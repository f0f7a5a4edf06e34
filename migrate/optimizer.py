"""Optimizer state by parameter name: the old one is positional, in the order of `policy.parameters()` (trap 3)."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from migrate.archive import Checkpoint
from migrate.errors import UnusableFileError
from migrate.pickle_reader import TensorRef
from migrate.plain import plain
from migrate.plan import as_bytes
from migrate.provenance import KEY, TRAINER, attach_shell, payloads_of, shell_of
from migrate.shell import join
from modules.checkpoint import PolicyFile

STATE_DICT, OPTIMIZER = "optimizer_state_dict", "optimizer."


@dataclass
class TrainerState:
    """A trainer state, by parameter name.

    Attributes:
        tensors: `(parameter, field)` -> tensor, such as `exp_avg`.
        values: `(parameter, field)` -> number, for fields that are none.
        groups: the parameter groups; `params` are names.
        rest: agent_step, epoch, policy_path and what else the trainer kept.
    """

    tensors: dict[tuple[str, str], Any] = field(default_factory=dict)
    values: dict[tuple[str, str], Any] = field(default_factory=dict)
    groups: list[dict[str, Any]] = field(default_factory=list)
    rest: dict[str, Any] = field(default_factory=dict)


def read_trainer_state(checkpoint: Checkpoint, names: Sequence[str]) -> TrainerState:
    """Takes an old trainer state apart; its tensors stay `TensorRef`s.

    Args:
        checkpoint: `trainer_state.pt`, safely read.
        names: parameter names in optimizer order.

    Raises:
        UnusableFileError: no trainer state, or one for another number of parameters.
    """
    where, root = checkpoint.path, checkpoint.root
    if not isinstance(root, Mapping) or not isinstance(root.get(STATE_DICT), Mapping):
        raise UnusableFileError("this is no trainer state", where=where, fix="give the run's trainer_state.pt")
    optimizer = root[STATE_DICT]
    positions = [position for group in optimizer["param_groups"] for position in group["params"]]
    if len(positions) != len(names):
        raise UnusableFileError(
            f"the optimizer has {len(positions)} parameters, the policy {len(names)}",
            where=where,
            fix="give the trainer state and the policy of the same run",
        )
    name_of = dict(zip(positions, names, strict=True))
    state = TrainerState(rest={key: plain(value) for key, value in root.items() if key != STATE_DICT})
    for position, fields in optimizer["state"].items():
        for key, value in fields.items():
            target = state.tensors if isinstance(value, TensorRef) else state.values
            target[name_of[position], key] = value if isinstance(value, TensorRef) else plain(value)
    for group in optimizer["param_groups"]:
        state.groups.append({**plain(group), "params": [name_of[position] for position in group["params"]]})
    return state


def attach_trainer(content: PolicyFile, checkpoint: Checkpoint) -> None:
    """Adds an old trainer state to a migrated policy, under the new parameter names.

    Raises:
        UnusableFileError: see `read_trainer_state`; a moment whose shape is not its parameter's.
    """
    new_names = content.extra[KEY]["parameters"]
    state = read_trainer_state(checkpoint, new_names)
    placed: dict[str, TensorRef] = {}
    for (name, key), ref in state.tensors.items():
        tensor = checkpoint.tensor(ref)
        if tensor.dim() and tensor.shape != content.tensors[name].shape:
            raise UnusableFileError(
                f"{key} of {name} has shape {tuple(tensor.shape)}, the parameter {tuple(content.tensors[name].shape)}",
                where=checkpoint.path,
                fix="give the trainer state and the policy of the same run",
            )
        placed[f"{OPTIMIZER}{name}.{key}"] = ref
        content.tensors[f"{OPTIMIZER}{name}.{key}"] = tensor
    content.extra[TRAINER] = {
        "groups": state.groups,
        "values": [[name, key, value] for (name, key), value in state.values.items()],
        "rest": state.rest,
    }
    attach_shell(content, TRAINER, checkpoint, placed)


def trainer_state_of(content: PolicyFile, where: object) -> TrainerState:
    """The trainer state inside a migrated policy.

    Raises:
        UnusableFileError: it holds none.
    """
    if TRAINER not in content.extra:
        raise UnusableFileError(
            "holds no optimizer state",
            where=where,
            fix="migrate the policy again, with --trainer-state trainer_state.pt",
        )
    kept = content.extra[TRAINER]
    tensors: dict[tuple[str, str], Tensor] = {}
    for reference, tensor in content.tensors.items():
        if reference.startswith(OPTIMIZER):
            name, _, key = reference.removeprefix(OPTIMIZER).rpartition(".")
            tensors[name, key] = tensor
    values = {(name, key): value for name, key, value in kept["values"]}
    return TrainerState(dict(tensors), values, kept["groups"], kept["rest"])


def positional(state: TrainerState, order: Sequence[str], where: object) -> dict[str, Any]:
    """A state dict for a torch optimizer over parameters in the order of `order`.

    Raises:
        UnusableFileError: names that do not match.
    """
    named = [name for group in state.groups for name in group["params"]]
    if sorted(named) != sorted(order):
        differing = sorted(set(named) ^ set(order))
        raise UnusableFileError(
            f"optimizer and agent have other parameters: {', '.join(differing)}",
            where=where,
            fix="load the same policy's",
        )
    position = {name: i for i, name in enumerate(order)}
    fields: dict[int, dict[str, Any]] = {}
    for (name, key), value in [*state.values.items(), *state.tensors.items()]:
        fields.setdefault(position[name], {})[key] = value.clone() if isinstance(value, Tensor) else value
    groups = [{**group, "params": [position[name] for name in group["params"]]} for group in state.groups]
    return {"state": dict(sorted(fields.items())), "param_groups": groups}


def legacy_trainer_bytes(content: PolicyFile, where: object) -> bytes:
    """The old trainer state of a migrated policy, with the optimizer's present values.

    Raises:
        UnusableFileError: it holds none.
    """
    state = trainer_state_of(content, where)
    shell = shell_of(content, TRAINER)
    payloads = payloads_of(content, TRAINER) if shell else {}
    if shell is not None and all(
        name in content.tensors and content.tensors[name].nbytes == nbytes
        for name, nbytes in zip(payloads.values(), (slot[2] for slot in shell.slots), strict=True)
    ):
        return join(shell, {key: as_bytes(content.tensors[name]) for key, name in payloads.items()})
    buffer = io.BytesIO()
    order = list(content.extra[KEY]["parameters"])
    torch.save({STATE_DICT: positional(state, order, where), **state.rest}, buffer)
    return buffer.getvalue()
