"""What components keep of torch, numpy and python besides numbers and text: functions, types, arrays, containers."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from typing import Any, cast

import torch
from torch.nn import functional

from migrate.errors import UnusableFileError
from migrate.pickle_calls import OPERATORS, is_pure_function
from migrate.pickle_reader import GlobalRef, Record
from migrate.pickle_records import DAMAGED
from migrate.plain import array_of, items_of, plain

HOMES = {
    "torch": torch,
    "torch.nn.functional": functional,
    "torch._C._nn": torch._C._nn,
    OPERATORS: torch,
}
"""Where pickle says that a function of torch lives -> what holds it."""


def is_library_value(obj: Any) -> bool:
    """Whether `library_value` knows it."""
    if isinstance(obj, GlobalRef):
        return named(obj.path) is not None
    return _path(obj) in MADE or _path(obj) in FILLED


def library_value(
    obj: Any, value: Callable[[Any], Any] = plain, keep: Callable[[Any, Any], Any] = lambda _, result: result
) -> Any:
    """The function, type, array or container that a file names.

    Args:
        obj: one for which `is_library_value`.
        value: makes what a container holds.
        keep: told the object and what it became, a container before it is filled, since that may hold itself.

    Raises:
        UnusableFileError: "... is no ...", which the file says it is.
    """
    if isinstance(obj, GlobalRef):
        return keep(obj, named(obj.path))
    make, fill = FILLED.get(_path(obj), (MADE.get(_path(obj)), None))
    try:
        made = keep(obj, cast(Any, make)(obj))
    except (TypeError, ValueError, OverflowError) as error:
        raise UnusableFileError(f"{obj!r} is no {_path(obj)}: {error}", fix=DAMAGED) from error
    if fill is not None:
        fill(made, obj, value)
    return made


def named(path: str) -> Any:
    """The type of tensors or the function without side effects that a path names; None for all others."""
    home, _, name = path.rpartition(".")
    # Not `getattr`: torch imports some of its modules, and calls some of its functions, when it is asked for a name.
    found = vars(HOMES[home]).get(name) if home in HOMES else None
    is_function = is_pure_function(name) and callable(found)
    return found if is_function or (home == "torch" and isinstance(found, torch.dtype)) else None


def _path(obj: Any) -> str:
    return str(obj.path) if isinstance(obj, Record) else ""


def _fill_deque(made: deque[Any], record: Record, value: Callable[[Any], Any]) -> None:
    made.extend(value(item) for item in (*(record.args[0] if record.args else ()), *(record.values or [])))


def _fill_counter(made: Counter[Any], record: Record, value: Callable[[Any], Any]) -> None:
    dict.update(made, {key: value(item) for key, item in items_of(record).items()})


MADE: dict[str, Callable[[Record], Any]] = {
    **dict.fromkeys(("builtins.slice", "__builtin__.slice"), lambda record: slice(*map(plain, record.args))),
    **dict.fromkeys(("builtins.range", "__builtin__.xrange"), lambda record: range(*map(plain, record.args))),
    **{f"numpy.{core}.multiarray._reconstruct": array_of for core in ("core", "_core")},
    **{f"numpy.{core}.numeric._frombuffer": array_of for core in ("core", "_core")},
}
FILLED: dict[str, tuple[Callable[[Record], Any], Callable[[Any, Record, Callable[[Any], Any]], None]]] = {
    "collections.deque": (lambda record: deque(maxlen=next(iter(record.args[1:2]), None)), _fill_deque),
    "collections.Counter": (lambda _: Counter(), _fill_counter),
}
