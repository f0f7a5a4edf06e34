"""What must hold of an old policy and its plan before anything is moved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from migrate.archive import Checkpoint
from migrate.errors import UnusableFileError
from migrate.old_names import parameter_names_of
from migrate.pickle_reader import TensorRef

REPORT = "report this, or if the rule is your own correct it: the rules do not cover the file"


def check_complete(tensors: Mapping[str, str], old_keys: list[str], where: object) -> None:
    """Every old key is consumed once, every new one made once.

    Raises:
        UnusableFileError: the keys that are left over, missing, or made twice.
    """
    problems = {
        "not consumed": sorted(set(old_keys) - tensors.keys()),
        "missing": sorted(tensors.keys() - set(old_keys)),
        "made twice": sorted(key for key, times in Counter(tensors.values()).items() if times > 1),
    }
    for what, keys in problems.items():
        if keys:
            raise UnusableFileError(f"state-dict keys {what}: {', '.join(keys)}", where=where, fix=REPORT)


def check_order(parameters: list[str], config: Mapping[str, Any], where: object) -> None:
    """Refuses rules that list parameters in another order than the old optimizer counts them in (trap 3).

    Raises:
        UnusableFileError: the first parameter that is out of order.
    """
    listed = [name for name in parameter_names_of(config) if name in set(parameters)]
    for by_rule, in_file in zip(listed, parameters, strict=True):
        if by_rule != in_file:
            raise UnusableFileError(
                f"the file has the parameter {in_file} where the rules list {by_rule}",
                where=where,
                fix="list the moves of `state` in the order of the old component's named_parameters(): "
                "an optimizer's state goes by position",
            )


def check_layout(state_dict: Mapping[str, TensorRef], checkpoint: Checkpoint) -> None:
    """Refuses what a policy file cannot say of tensors: another order in memory, and memory that two of them share.

    Raises:
        UnusableFileError: "... is not contiguous", "... share memory".
    """
    taken: dict[str, list[tuple[int, int, str]]] = {}
    for key, ref in state_dict.items():
        tensor = checkpoint.tensor(ref)
        # Rounding depends on strides, so making it contiguous in silence would change results.
        if not tensor.is_contiguous():
            raise UnusableFileError(
                f"{key} is not contiguous: shape {ref.shape}, strides {ref.stride}",
                where=checkpoint.path,
                fix="make it contiguous in the old stack, prove that nothing changed there, and save again",
            )
        start, end = ref.offset, ref.offset + tensor.numel()
        for other_start, other_end, other in taken.setdefault(ref.storage, []):
            if start < other_end and other_start < end:
                raise UnusableFileError(
                    f"{other} and {key} share memory: the weights are tied",
                    where=checkpoint.path,
                    fix="a config cannot tie weights; keep this policy on the old stack",
                )
        taken[ref.storage].append((start, end, key))
