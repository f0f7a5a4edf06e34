"""The inert records that stand for what a pickle holds: instances, calls, storages and tensors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NoReturn

import torch

from migrate.errors import UnusableFileError

DAMAGED = "get an intact copy of the file; this one is damaged or was not written by torch.save"


class Record:
    """What the file says about one instance; equal by identity.

    Args:
        path: dotted path of its class.
        args: what was given to `__new__`.
        state: what was given to `__setstate__`, `None` without.
        items: what was set by key (subclasses of dict), `None` without.
        values: what was appended (subclasses of list), `None` without.
    """

    __slots__ = ("args", "items", "path", "state", "values")

    def __init__(self, path: str, args: Any = (), state: Any = None, items: Any = None, values: Any = None) -> None:
        self.path, self.state = path, state
        self.args: tuple[Any, ...] = args
        self.items: dict[Any, Any] | None = items
        self.values: list[Any] | None = values

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def __setitem__(self, key: Any, value: Any) -> None:
        if self.items is None:
            self.items = {}
        self.items[key] = value

    def append(self, value: Any) -> None:
        """Takes what APPEND gives."""
        self.extend([value])

    def extend(self, values: list[Any]) -> None:
        """Takes what APPENDS gives."""
        self.values = [*self.values, *values] if self.values else list(values)

    @property
    def attributes(self) -> dict[str, Any]:
        """The instance attributes in `state`, those of slots included; empty where the state is something else."""
        parts = self.state if isinstance(self.state, tuple) else (self.state,)
        return {key: value for part in parts if isinstance(part, dict) for key, value in part.items()}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.path}>"


class Call(Record):
    """A call from the tables of `pickle_calls` that is kept as data and not made."""

    __slots__ = ()


class _Sealed:
    """Refuses the BUILD opcode, which would change what was checked."""

    def __setstate__(self, state: Any) -> NoReturn:
        raise UnusableFileError("changes a tensor after it was made", fix=DAMAGED)


@dataclass(eq=False)
class StorageRef(_Sealed):
    """What `persistent_load` gives for a storage: `numel` elements of `key`, `base` elements after its start."""

    key: str
    dtype: torch.dtype
    numel: int
    base: int = 0


@dataclass(eq=False)
class TensorRef(_Sealed):
    """A tensor inside a storage, checked to lie within it; offset and strides count elements of `dtype`."""

    storage: str
    dtype: torch.dtype
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]
    requires_grad: bool
    parameter: bool
