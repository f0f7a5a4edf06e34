"""A trainer state by parameter name: the old one is positional, in the order of `policy.parameters()` (trap 3)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from torch import Tensor

from migrate.archive import Checkpoint
from migrate.errors import UnusableFileError
from migrate.pickle_reader import TensorRef
from migrate.plain import plain
from modules.errors import CheckpointError
from modules.savable import check_attribute

STATE_DICTS = ("optimizer_state_dict", "optimizer")
"""Where a trainer state keeps the optimizer's: until E10, and in E11."""
SAME_RUN = "give the trainer state and the policy of the same run"


@dataclass
class TrainerState:
    """A trainer state, by parameter name.

    Attributes:
        tensors: `(parameter, field)` -> tensor, such as `exp_avg`.
        values: `(parameter, field)` -> number, for fields that are none.
        groups: the parameter groups; `params` are names.
        rest: agent_step, epoch, policy_path and what else the trainer kept.
        key: which of `STATE_DICTS` the file has.
    """

    tensors: dict[tuple[str, str], Any] = field(default_factory=dict)
    values: dict[tuple[str, str], Any] = field(default_factory=dict)
    groups: list[dict[str, Any]] = field(default_factory=list)
    rest: dict[str, Any] = field(default_factory=dict)
    key: str = STATE_DICTS[0]


def read_trainer_state(checkpoint: Checkpoint, names: Sequence[str]) -> TrainerState:
    """Takes an old trainer state apart; its tensors stay `TensorRef`s.

    Args:
        checkpoint: `trainer_state.pt`, safely read.
        names: parameter names in optimizer order.

    Raises:
        UnusableFileError: no trainer state, or one for another number of parameters.
    """
    where, root = checkpoint.path, checkpoint.root
    found = [key for key in STATE_DICTS if isinstance(root, Mapping) and isinstance(root.get(key), Mapping)]
    if not found:
        raise UnusableFileError("this is no trainer state", where=where, fix="give the run's trainer_state.pt")
    state = by_name(root[found[0]], names, where)
    state.key = found[0]
    rest = {key: value for key, value in root.items() if key != state.key}
    state.rest = sayable(rest, "the trainer state", where)
    return state


def by_name(optimizer: Mapping[str, Any], names: Sequence[str], where: object) -> TrainerState:
    """An optimizer's state dict, by parameter name.

    Args:
        optimizer: what `state_dict()` of a torch optimizer gave, live or as an inert graph.
        names: parameter names in optimizer order.
        where: the file, for messages.

    Raises:
        UnusableFileError: no such state dict, or one for another number of parameters.
    """
    positions, fields, group = _checked(optimizer, names, where)
    name_of = dict(zip(positions, names, strict=True))
    state = TrainerState()
    for position, values in fields.items():
        for key, value in values.items():
            is_tensor = isinstance(value, TensorRef | Tensor)
            target = state.tensors if is_tensor else state.values
            target[name_of[position], key] = (
                value if is_tensor else sayable(value, f"{key} of {name_of[position]}", where)
            )
    state.groups.append({**sayable(group, "the parameter group", where), "params": list(names)})
    return state


def _checked(
    optimizer: Mapping[str, Any], names: Sequence[str], where: object
) -> tuple[list[Any], Mapping[Any, Mapping[str, Any]], dict[str, Any]]:
    """Positions, state by position and the one parameter group of an optimizer for `names`; see `by_name`."""
    groups, fields = optimizer.get("param_groups"), optimizer.get("state")
    listed = [group for group in groups if isinstance(group, dict)] if isinstance(groups, list) else []
    positions = [each for group in listed if isinstance(group.get("params"), list) for each in group["params"]]
    wrong, fix = "", SAME_RUN
    if not isinstance(fields, Mapping) or not positions or not all(isinstance(each, int) for each in positions):
        wrong = "holds no state of a torch optimizer"
    elif len(positions) != len(names):
        wrong = f"the optimizer has {len(positions)} parameters, the policy {len(names)}"
    elif len(listed) > 1:
        # Positions count through the groups, not through policy.parameters().
        wrong = f"the optimizer has {len(listed)} parameter groups, and its state does not say what is in which"
        fix = "the old trainer had one group over policy.parameters(); build a new optimizer for other ones"
    elif twice := [position for position, count in Counter(positions).items() if count > 1]:
        wrong = f"the optimizer counts parameter {twice[0]!r} twice"
    elif unknown := [position for position in fields if position not in set(positions)]:
        wrong = f"the optimizer has a state of parameter {unknown[0]!r}, which none of its groups has"
    elif bad := [position for position, values in fields.items() if not isinstance(values, Mapping)]:
        wrong = f"the optimizer state of parameter {bad[0]!r} is no dict"
    elif odd := [key for values in fields.values() for key in values if not isinstance(key, str)]:
        wrong = f"the optimizer state has an entry {odd[0]!r}, whose name is no text"
    if wrong:
        raise UnusableFileError(wrong, where=where, fix=fix)
    return positions, cast(Any, fields), listed[0]


def sayable(value: Any, what: str, where: object) -> Any:
    """`value` as plain python that a policy file can hold; its tuples and sets become lists there.

    Raises:
        UnusableFileError: "... cannot be kept: ...", for tensors and for keys that are no text.
    """
    try:
        said = plain(value)
        check_attribute(what, said, tuples=True)
    except (UnusableFileError, CheckpointError) as error:
        why = error.what if isinstance(error, UnusableFileError) else error
        fix = "take it out of the trainer state, or report what it is for"
        raise UnusableFileError(f"{what} cannot be kept: {why}", where=where, fix=fix) from error
    return said
