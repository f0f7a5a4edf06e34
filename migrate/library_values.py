"""What components keep of torch, numpy and python besides numbers and text: functions, types, arrays, containers."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from typing import Any

import torch
from torch.nn import functional

from migrate.errors import UnusableFileError
from migrate.pickle_calls import OPERATORS, is_elementwise
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
    return named(obj.path) is not None if isinstance(obj, GlobalRef) else _path(obj) in VALUES


def library_value(obj: Any, value: Callable[[Any], Any] = plain) -> Any:
    """The function, type, array or container that a file names.

    Args:
        obj: one for which `is_library_value`.
        value: makes what a container holds.

    Raises:
        UnusableFileError: "... is no ...", which the file says it is.
    """
    if isinstance(obj, GlobalRef):
        return named(obj.path)
    try:
        return VALUES[_path(obj)](obj, value)
    except (TypeError, ValueError, OverflowError) as error:
        raise UnusableFileError(f"{obj!r} is no {_path(obj)}: {error}", fix=DAMAGED) from error


def named(path: str) -> Any:
    """The type of tensors or the function without side effects that a path names; None for all others."""
    home, _, name = path.rpartition(".")
    found = getattr(HOMES.get(home), name, None)
    is_function = is_elementwise(name) and callable(found)
    return found if is_function or (home == "torch" and isinstance(found, torch.dtype)) else None


def _path(obj: Any) -> str:
    return str(obj.path) if isinstance(obj, Record) else ""


def _deque(record: Record, value: Callable[[Any], Any]) -> deque[Any]:
    items = [*(record.args[0] if record.args else ()), *(record.values or [])]
    return deque([value(item) for item in items], *record.args[1:2])


def _counter(record: Record, value: Callable[[Any], Any]) -> Counter[Any]:
    return Counter({key: value(item) for key, item in items_of(record).items()})


def _called(kind: Callable[..., Any]) -> Callable[[Record, Callable[[Any], Any]], Any]:
    return lambda record, value: kind(*map(value, record.args))


VALUES: dict[str, Callable[[Record, Callable[[Any], Any]], Any]] = {
    "collections.deque": _deque,
    "collections.Counter": _counter,
    "numpy.core.multiarray._reconstruct": lambda record, _: array_of(record),
    "numpy._core.multiarray._reconstruct": lambda record, _: array_of(record),
    "numpy.core.numeric._frombuffer": lambda record, _: array_of(record),
    "numpy._core.numeric._frombuffer": lambda record, _: array_of(record),
    "builtins.slice": _called(slice),
    "__builtin__.slice": _called(slice),
    "builtins.range": _called(range),
    "__builtin__.xrange": _called(range),
}
