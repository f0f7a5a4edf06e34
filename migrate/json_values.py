"""Python values that JSON has no word for, in JSON and back: tuples, sets, bytes, keys that are no text, scalars."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from migrate.errors import UnusableFileError
from migrate.pickle_records import Record
from migrate.plain import MAPPINGS, items_of, plain

_WORDS: dict[str, Callable[[Any], Any]] = {
    "__tuple__": lambda items: tuple(map(_read, items)),
    "__set__": lambda items: set(map(_read, items)),
    "__frozenset__": lambda items: frozenset(map(_read, items)),
    "__bytes__": base64.b64decode,
    "__scalar__": lambda pair: torch.tensor(pair[1], dtype=getattr(torch, pair[0])),
    "__dict__": lambda pairs: {_read(key): _read(value) for key, value in pairs},
}


def mapping_of(value: Any) -> Mapping[Any, Any] | None:
    """A dict or an object of a class like it, live or inert; None for everything else."""
    if isinstance(value, Record):
        return items_of(value) if value.path in MAPPINGS else None
    return value if isinstance(value, Mapping) else None


def to_json(value: Any) -> Any:
    """`value` as dicts with text as keys, lists, text, numbers, and None.

    Args:
        value: live, or of an inert graph. What is like a dict comes back as one, and what `plain` converts
            besides as that.

    Raises:
        UnusableFileError: "... cannot be converted to plain values".
    """
    if isinstance(value, np.generic):
        return to_json(value.item())
    if (mapping := mapping_of(value)) is not None:
        if all(type(key) is str for key in mapping) and not _WORDS.keys() & mapping.keys():
            return {key: to_json(each) for key, each in mapping.items()}
        return {"__dict__": [[_hashable(key), to_json(each)] for key, each in mapping.items()]}
    if isinstance(value, list):
        return [to_json(each) for each in value]
    if isinstance(value, tuple):
        return {"__tuple__": [to_json(each) for each in value]}
    if isinstance(value, set | frozenset):
        return {f"__{type(value).__name__}__": sorted((_hashable(each) for each in value), key=repr)}
    if isinstance(value, bytes | bytearray):
        return {"__bytes__": base64.b64encode(value).decode()}
    if isinstance(value, Tensor) and not value.dim():
        return {"__scalar__": [str(value.dtype).removeprefix("torch."), value.item()]}
    said = plain(value)
    return to_json(said) if isinstance(said, dict | list | tuple) else said


def _hashable(value: Any) -> Any:
    said = to_json(value)
    try:
        hash(_read(said))
    except TypeError as error:
        raise UnusableFileError(f"a {type(value).__name__} as key of a dict or in a set") from error
    return said


def without_unsayable(value: Mapping[Any, Any], place: str, told: list[str]) -> dict[Any, Any]:
    """`value` without the entries, at any depth, that `to_json` cannot say.

    Args:
        value: nothing in it decides what a policy computes.
        place: of `value`, for `told`.
        told: gets what is left out, and why.
    """
    kept = {}
    for key, each in value.items():
        here = f"{place}[{key!r}]" if place else str(key)
        if (mapping := mapping_of(each)) is not None:
            kept[key] = without_unsayable(mapping, here, told)
            continue
        try:
            to_json([key, each])
        except UnusableFileError as error:
            told.append(f"{here}: {error.what}")
        else:
            kept[key] = each
    return kept


def from_json(value: Any) -> Any:
    """What `to_json` was given.

    Raises:
        UnusableFileError: "a value that was changed by hand: ...".
    """
    try:
        return _read(value)
    except (AttributeError, TypeError, ValueError, RuntimeError, RecursionError) as error:
        raise UnusableFileError(f"a value that was changed by hand: {value!r:.100}: {error}") from error


def _read(value: Any) -> Any:
    if isinstance(value, list):
        return [_read(each) for each in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1 and (read := _WORDS.get(next(iter(value)))):
        return read(next(iter(value.values())))
    return {key: _read(each) for key, each in value.items()}
