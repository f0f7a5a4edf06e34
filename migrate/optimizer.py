"""The optimizer's state inside a migrated policy, and on its way back."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from migrate.archive import Checkpoint, check_finite
from migrate.errors import UnusableFileError
from migrate.given_state import SAME_RUN
from migrate.json_values import from_json
from migrate.old_names import parameter_names_of
from migrate.plan import as_bytes
from migrate.provenance import KEY, attach_shell, is_unchanged, payloads_of, shell_of
from migrate.shell import join
from migrate.trainer_state import STATE_DICTS, TrainerState, put_field, read_trainer_state
from modules.policy_file import TRAINER, PolicyFile

OPTIMIZER = "optimizer."


def check_shapes(
    tensors: Mapping[tuple[str, str], Tensor], shapes: Mapping[str, tuple[int, ...]], where: object
) -> None:
    """Refuses moments whose shape is not their parameter's: torch itself would take them.

    Raises:
        UnusableFileError: "... has shape ..., the parameter ...".
    """
    for (name, key), tensor in sorted(tensors.items(), key=lambda entry: entry[0]):
        if tensor.dim() and tuple(tensor.shape) != shapes[name]:
            raise UnusableFileError(
                f"{key} of {name} has shape {tuple(tensor.shape)}, the parameter {shapes[name]}",
                where=where,
                fix=SAME_RUN,
            )


def put_trainer(content: PolicyFile, state: TrainerState, where: object) -> None:
    """Puts a trainer state with loaded tensors into a new policy, in place of the one that it has.

    Raises:
        UnusableFileError: see `check_shapes` and `check_finite`.
    """
    names = {name for group in state.groups for name in group["params"]}
    check_finite({f"{key} of {name}": tensor for (name, key), tensor in state.tensors.items()}, where)
    check_shapes(state.tensors, {name: tuple(content.tensors[name].shape) for name in names}, where)
    content.tensors = {key: value for key, value in content.tensors.items() if not key.startswith(OPTIMIZER)}
    content.tensors.update({f"{OPTIMIZER}{name}.{key}": tensor for (name, key), tensor in state.tensors.items()})
    content.extra[TRAINER] = {
        "groups": state.groups,
        "values": [[name, key, value] for (name, key), value in state.values.items()],
        "tensors": len(state.tensors),
        "rest": state.rest,
        "key": state.key,
        **({"by_names": True} if state.by_names else {}),
    }


def attach_trainer(content: PolicyFile, checkpoint: Checkpoint) -> list[str]:
    """Adds an old trainer state to a migrated policy, under the new parameter names.

    Returns:
        What is left out of it.

    Raises:
        UnusableFileError: see `read_trainer_state`; a moment whose shape is not its parameter's.
    """
    state = read_trainer_state(checkpoint, content.extra[KEY]["parameters"])
    loaded = {key: checkpoint.tensor(ref) for key, ref in state.tensors.items()}
    put_trainer(content, replace(state, tensors=loaded), checkpoint.path)
    placed = {f"{OPTIMIZER}{name}.{key}": ref for (name, key), ref in state.tensors.items()}
    attach_shell(content, TRAINER, checkpoint, placed)
    return state.notes


def trainer_state_of(content: PolicyFile, where: object) -> TrainerState:
    """The trainer state inside a migrated policy.

    Raises:
        UnusableFileError: it holds none.
    """
    kept = content.extra.get(TRAINER)
    tensors: dict[tuple[str, str], Tensor] = {}
    for reference, tensor in content.tensors.items():
        if reference.startswith(OPTIMIZER):
            name, _, key = reference.removeprefix(OPTIMIZER).rpartition(".")
            tensors[name, key] = tensor
    # An agent that was loaded with one and saved without it kept the entry, but not the tensors.
    if kept is None or kept["tensors"] != len(tensors):
        raise UnusableFileError(
            "holds no optimizer state",
            where=where,
            fix="migrate the policy with --trainer-state, or save it with migrate.save_policy(path, agent, state)",
        )
    values = {(name, key): value for name, key, value in kept["values"]}
    key, by_names = kept.get("key", STATE_DICTS[0]), kept.get("by_names", False)
    return TrainerState(dict(tensors), values, kept["groups"], kept["rest"], key, by_names=by_names)


def positional(state: TrainerState, order: Sequence[str], where: object) -> dict[str, Any]:
    """A state dict for a torch optimizer over parameters in the order of `order`, in each of its groups.

    Raises:
        UnusableFileError: names that do not match.
    """
    named = [name for group in state.groups for name in group["params"]]
    if differing := sorted(set(named) - set(order) if state.by_names else set(named) ^ set(order)):
        raise UnusableFileError(
            f"optimizer and agent have other parameters: {', '.join(differing)}",
            where=where,
            fix="load the same policy's",
        )
    position = {name: i for i, name in enumerate(order)}
    fields: dict[int, dict[Any, Any]] = {}
    for (name, key), value in [*state.values.items(), *state.tensors.items()]:
        own = value.clone() if isinstance(value, Tensor) else from_json(value)
        put_field(fields.setdefault(position[name], {}), key, own)
    # torch takes the entries of `params` for the parameters in their order, so these must be in that order.
    groups = [
        {**from_json(group), "params": sorted(position[name] for name in group["params"])} for group in state.groups
    ]
    return {"state": dict(sorted(fields.items())), "param_groups": groups}


def legacy_trainer_bytes(content: PolicyFile, where: object) -> bytes:
    """The old trainer state of a migrated policy, with the optimizer's present values.

    Raises:
        UnusableFileError: it holds none.
    """
    state = trainer_state_of(content, where)
    shell = shell_of(content, TRAINER)
    if shell is not None and is_unchanged(content, TRAINER):
        payloads = payloads_of(content, TRAINER)
        return join(shell, {key: as_bytes(content.tensors[name]) for key, name in payloads.items()})
    buffer = io.BytesIO()
    order = old_order(content)
    if state.by_names:
        what = "the optimizer has several parameter groups, or some of the parameters, which an old file cannot say"
        raise UnusableFileError(what, where=where, fix="stay on .safetensors, or build it over all parameters")
    torch.save({state.key: positional(state, order, where), **from_json(state.rest)}, buffer)
    return buffer.getvalue()


def old_order(content: PolicyFile) -> list[str]:
    """The new names of the parameters, in the order in which the old optimizer counts them (trap 3)."""
    if KEY in content.extra:
        return list(content.extra[KEY]["parameters"])
    named = {name for group in content.extra[TRAINER]["groups"] for name in group["params"]}
    return [name for name in parameter_names_of(content.config) if name in named]
