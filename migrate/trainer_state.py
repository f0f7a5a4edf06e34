"""A trainer state by parameter name: the old one is positional, in the order of `policy.parameters()` (trap 3)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from migrate.archive import Checkpoint
from migrate.errors import UnusableFileError
from migrate.given_state import PARAM_NAMES, SAME_RUN, GivenState
from migrate.json_values import mapping_of, to_json, without_unsayable
from migrate.pickle_reader import Record, TensorRef

STATE_DICTS = ("optimizer_state_dict", "optimizer")
"""Where a trainer state keeps the optimizer's: until E10, and in E11."""


@dataclass
class TrainerState:
    """A trainer state, by parameter name.

    Attributes:
        tensors: `(parameter, field)` -> tensor, such as `exp_avg`; `0/momentum` for what heavyball has in a dict 0.
        values: `(parameter, field)` -> value, for fields that are no tensor.
        groups: the parameter groups; `params` are names.
        rest: agent_step, epoch, policy_path and what else the trainer kept; this and the two before as `json_values`
            says them.
        key: which of `STATE_DICTS` the file has.
        notes: what is left out.
        by_names: whether it has several groups, or some of the parameters, by names that the optimizer was given.
    """

    tensors: dict[tuple[str, str], Any] = field(default_factory=dict)
    values: dict[tuple[str, str], Any] = field(default_factory=dict)
    groups: list[dict[str, Any]] = field(default_factory=list)
    rest: dict[str, Any] = field(default_factory=dict)
    key: str = STATE_DICTS[0]
    notes: list[str] = field(default_factory=list)
    by_names: bool = False


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
    state = by_name(_loaded_groups(root[found[0]], checkpoint), names, where)
    state.key = found[0]
    unsaid: list[str] = []
    rest = without_unsayable({key: value for key, value in root.items() if key != state.key}, "", unsaid)
    state.rest = to_json(rest)
    state.notes += [f"of the trainer state, {what}; only the old file itself keeps it" for what in unsaid]
    return state


def _loaded_groups(optimizer: Mapping[str, Any], checkpoint: Checkpoint) -> dict[str, Any]:
    """The state dict with the tensors of its groups, such as a learning rate, as tensors."""

    def loaded(value: Any) -> Any:
        return checkpoint.tensor(value) if isinstance(value, TensorRef) else value

    groups = optimizer.get("param_groups")
    listed = groups if isinstance(groups, list) else []
    live = [{k: loaded(v) for k, v in each.items()} if isinstance(each, dict) else each for each in listed]
    return {**optimizer, "param_groups": live}


def by_name(optimizer: Mapping[str, Any], names: Sequence[str], where: object, own: Sequence[str] = ()) -> TrainerState:
    """An optimizer's state dict, by parameter name.

    Args:
        optimizer: what `state_dict()` of a torch optimizer gave, live or as an inert graph. Where it has names, they
            say which parameter is which, in several groups or for some of the parameters, too.
        names: parameter names in the order of the agent.
        where: the file, for messages.
        own: the agent's own names for them, which the optimizer may have been given.

    Raises:
        UnusableFileError: no such state dict, or one for another number of parameters.
    """
    given = GivenState.of(optimizer, own)
    given.check(names, where)
    name_of, fields, groups = given.names_by_position(names), given.states, given.groups
    state = TrainerState(by_names=len(groups) > 1 or len(name_of) < len(names))
    for position, values in fields.items():
        for keys, value in _leaves(values):
            place = name_of[position], field_of(keys, where)
            if isinstance(value, TensorRef | Tensor):
                state.tensors[place] = value
            else:
                state.values[place] = as_json(value, f"{place[1]} of {place[0]}", where)
    spare = {repr(key) for key in optimizer.keys() - {"state", "param_groups"}}
    for group in groups:
        kept = {key: value for key, value in group.items() if not _is_code(value) and key != PARAM_NAMES}
        options = {key: as_json(value, f"{key!r} of the parameter group", where) for key, value in kept.items()}
        state.groups.append({**options, "params": [name_of[position] for position in group["params"]]})
        spare |= {repr(key) for key in group.keys() - kept.keys() - {PARAM_NAMES}}
    if spare:
        # heavyball would unpickle what it has beside the state: code, in a file that is promised to hold none.
        told = ", ".join(sorted(spare))
        state.notes.append(f"of the optimizer, {told} is left out: it is of its library, and a new one has its own")
    return state


def _leaves(values: Mapping[Any, Any], above: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """What a parameter's state holds, by its keys; heavyball has a dict for each part of a parameter in it."""
    for key, value in values.items():
        inner = mapping_of(value)
        if inner is not None and any(isinstance(each, TensorRef | Tensor) for _, each in _leaves(inner)):
            yield from _leaves(inner, (*above, key))
        else:
            yield (*above, key), value


def field_of(keys: Sequence[Any], where: object) -> str:
    """`exp_avg` for `("exp_avg",)`, and `0/momentum` for `(0, "momentum")`.

    Raises:
        UnusableFileError: "... has an entry ..., whose name is no text".
    """
    for number, key in enumerate(keys):
        is_text = isinstance(key, str) and not key.isdecimal() and not {".", "/"} & set(key)
        is_part = type(key) is int and key >= 0 and number < len(keys) - 1
        if not is_text and not is_part:
            what = f"the optimizer state has an entry {key!r}, whose name is no text"
            raise UnusableFileError(what, where=where, fix=SAME_RUN)
    return "/".join(map(str, keys))


def put_field(state: dict[Any, Any], field_name: str, value: Any) -> None:
    """The inverse of `field_of`, into a parameter's state."""
    *above, last = [int(key) if key.isdecimal() else key for key in field_name.split("/")]
    for key in above:
        state = state.setdefault(key, {})
    state[last] = value


def _is_code(value: Any) -> bool:
    """A class, or an object that stands for nothing but itself: heavyball keeps both in its parameter groups."""
    marker = isinstance(value, Record) and value.path.rpartition(".")[2] == "object"
    return isinstance(value, type) or type(value) is object or marker


def as_json(value: Any, what: str, where: object) -> Any:
    """`value` as the JSON values of `json_values`.

    Raises:
        UnusableFileError: "... cannot be kept: ...", for tensors and objects of other classes.
    """
    try:
        return to_json(value)
    except (UnusableFileError, RecursionError) as error:
        why = error.what if isinstance(error, UnusableFileError) else error
        fix = "take it out, or say it as a plain number, text, list or dict"
        raise UnusableFileError(f"{what} cannot be kept: {why}", where=where, fix=fix) from error
