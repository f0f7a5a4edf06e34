"""Converts the inert parts of an old checkpoint (configs, metadata, spaces, numpy values) to plain python for JSON."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import PurePosixPath
from reprlib import repr as short
from typing import Any

import numpy as np

from migrate.errors import UnusableFileError
from migrate.pickle_reader import GlobalRef, Record, TensorRef

_FIX = "the checkpoint holds something that the migration does not know; report its class"
_MAX_EMPTY = 1 << 16
_NUMPY_CODE = re.compile(r"[biufc](1|2|4|8|16)|[US]\d{1,6}")


def plain(obj: Any) -> Any:
    """Plain python for `obj`: dicts, lists, tuples, strings, numbers, `None`.

    Configs become dicts and lists with their interpolations and `???` unresolved, numpy values numbers and lists, sets
    sorted lists, classes their path, spaces `{"MultiDiscrete": nvec}` and alike. What is shared stays shared.

    Raises:
        UnusableFileError: ... cannot be converted / contains itself / ...
    """
    try:
        return _Converter().convert(obj)
    except RecursionError as error:
        raise UnusableFileError("a value nested too deeply", fix=_FIX) from error


def is_plain(obj: Any) -> bool:
    """Whether `plain` can say it: not so tensors and objects of classes."""
    try:
        plain(obj)
    except UnusableFileError:
        return False
    return True


def items_of(record: Record) -> dict[Any, Any]:
    """What a subclass of dict, one of `MAPPINGS`, holds."""
    initial = record.args[-1] if record.args and isinstance(record.args[-1], dict) else {}
    return {**initial, **(record.items or {})}


def numpy_value(call: Record) -> Any:
    """The number, nested list or type name that an inert numpy call stands for.

    Raises:
        UnusableFileError: ... is no numpy value
    """
    try:
        kind = call.path.rpartition(".")[2]
        if kind == "dtype":
            return _numpy_dtype(call).name
        if kind == "scalar":
            return np.frombuffer(call.args[1], _numpy_dtype(call.args[0]), count=1)[0].item()
    except (AttributeError, IndexError, TypeError, ValueError, KeyError) as error:
        raise _no_numpy(call, error) from error
    return array_of(call).tolist()


def array_of(call: Record) -> np.ndarray[Any, Any]:
    """The array, which may be written into, that an inert numpy call stands for.

    Raises:
        UnusableFileError: ... is no numpy value
    """
    try:
        if call.path.endswith("_frombuffer"):
            data, dtype, shape, order = call.args
            fortran = order == "F"
        else:
            _version, shape, dtype, fortran, data = call.state
        if math.prod(max(size, 1) for size in shape) > max(len(data), _MAX_EMPTY):
            raise ValueError(f"shape {shape!s:.100}")  # a list of empty lists costs memory, though no data
        array = np.frombuffer(data, _numpy_dtype(dtype)) if data else np.empty(0, _numpy_dtype(dtype))
        return array.reshape(shape, order="F" if fortran else "C").copy(order="K")
    except (AttributeError, IndexError, TypeError, ValueError, KeyError) as error:
        raise _no_numpy(call, error) from error


def _no_numpy(call: Record, error: Exception) -> UnusableFileError:
    return UnusableFileError(f"{call!r} is no numpy value: {error}", fix=_FIX)


def _numpy_dtype(call: Any) -> np.dtype[Any]:
    code = call.args[0]
    if call.path != "numpy.dtype" or not isinstance(code, str) or not _NUMPY_CODE.fullmatch(code):
        raise ValueError(f"type {short(code)}")  # objects and structures: nothing that a policy holds
    return np.dtype((call.state[1] if call.state else "=") + code)


class _Converter:
    def __init__(self) -> None:
        self.done: dict[int, Any] = {}
        self.open: set[int] = set()

    def convert(self, obj: Any) -> Any:
        if obj is None or type(obj) in (bool, int, float, str):
            return obj
        if id(obj) not in self.done:
            if id(obj) in self.open:
                raise UnusableFileError(f"a {_name(obj)} that contains itself", fix=_FIX)
            self.open.add(id(obj))
            self.done[id(obj)] = self._fresh(obj)
            self.open.discard(id(obj))
        return self.done[id(obj)]

    def _fresh(self, obj: Any) -> Any:
        if isinstance(obj, dict):
            return {self._key(key): self.convert(value) for key, value in obj.items()}
        if isinstance(obj, list):
            return [self.convert(value) for value in obj]
        if isinstance(obj, tuple):
            return tuple([self.convert(value) for value in obj])
        if isinstance(obj, set | frozenset):
            return sorted((self.convert(value) for value in obj), key=lambda value: (str(type(value)), str(value)))
        if isinstance(obj, GlobalRef):
            return obj.path
        if isinstance(obj, Record):
            return self._record(obj)
        raise UnusableFileError(f"a {_name(obj)} cannot be converted to plain values", fix=_FIX)

    def _key(self, key: Any) -> Any:
        value = self.convert(key)
        if value is None or isinstance(value, str | int | float | tuple):
            return value
        raise UnusableFileError(f"a {_name(key)} as key of a dict", fix=_FIX)

    def _record(self, record: Record) -> Any:
        if record.path in _CONVERTERS:
            return _CONVERTERS[record.path](self, record)
        if "__pydantic_fields_set__" in record.attributes:
            return self.convert(record.attributes.get("__dict__"))
        raise UnusableFileError(f"an instance of {record.path} cannot be converted to plain values", fix=_FIX)

    def node(self, record: Record) -> Any:
        """A node of omegaconf; its value is kept as written, also where it refers to others."""
        return self.convert(_attribute(record, "_val"))

    def container(self, record: Record) -> Any:
        """A container of omegaconf, whose content may be a string or `None` instead."""
        return self.convert(_attribute(record, "_content"))

    def mapping(self, record: Record) -> Any:
        """A subclass of dict."""
        return self._fresh(items_of(record))

    def sequence(self, record: Record) -> Any:
        """A deque."""
        return self._fresh([*(record.args[0] if record.args else ()), *(record.values or [])])

    def numpy(self, record: Record) -> Any:
        """A value of numpy."""
        return numpy_value(record)

    def text(self, record: Record) -> str:
        """A path, as text with forward slashes."""
        return str(PurePosixPath(*map(str, self.convert(record.args))))

    def device(self, record: Record) -> str:
        """A device, as torch writes it."""
        return ":".join(str(part) for part in self.convert(record.args))

    def number(self, record: Record) -> Any:
        """A number or text that an old protocol writes as a call."""
        kind = {"bool": bool, "complex": complex, "float": float, "str": str, "unicode": str}
        try:
            return kind.get(record.path.rpartition(".")[2], int)(*self.convert(record.args))
        except (TypeError, ValueError) as error:
            raise UnusableFileError(f"{record!r} of {short(record.args)}: {error}", fix=_FIX) from error

    def space(self, record: Record) -> dict[str, Any]:
        """A space of gymnasium by its class name, with what decides its shape and bounds."""
        name = record.path.rpartition(".")[2]
        if name == "Box":
            bounds = {side: _uniform(self.convert(_attribute(record, side))) for side in ("low", "high")}
            rest = {key.strip("_"): self.convert(_attribute(record, key)) for key in ("_shape", "dtype")}
            return {name: {**bounds, **rest}}
        return {name: self.convert(_attribute(record, _SPACE_VALUES[name]))}


def _attribute(record: Record, name: str) -> Any:
    if name not in record.attributes:
        raise UnusableFileError(f"an instance of {record.path} without {name!r}", fix=_FIX)
    return record.attributes[name]


def _uniform(bound: Any) -> Any:
    """One number where all are equal: bounds are arrays as large as the observation."""
    flat = [bound]
    while flat and isinstance(flat[0], list):
        flat = [value for part in flat for value in part]
    return flat[0] if flat and all(value == flat[0] for value in flat) and math.isfinite(flat[0]) else bound


def _name(obj: Any) -> str:
    if isinstance(obj, TensorRef):
        return "tensor"
    return obj.path if isinstance(obj, Record) else type(obj).__name__


_NODES = ("AnyNode", "BooleanNode", "BytesNode", "EnumNode", "FloatNode", "IntegerNode", "PathNode", "StringNode")
_SPACES = ("multi_discrete.MultiDiscrete", "discrete.Discrete", "multi_binary.MultiBinary", "box.Box", "dict.Dict")
_SPACE_VALUES = {"MultiDiscrete": "nvec", "Discrete": "n", "MultiBinary": "n", "Dict": "spaces", "Tuple": "spaces"}
MAPPINGS = ("metta.agent.policy_metadata.PolicyMetadata", "collections.defaultdict", "collections.Counter")
_PATHLIB = ("pathlib", "pathlib._local")  # since Python 3.13
_PATHS = ("Path", "PosixPath", "WindowsPath", "PurePath", "PurePosixPath", "PureWindowsPath")
_BUFFERS = ("core.numeric._frombuffer", "_core.numeric._frombuffer")
_ARRAYS = (*_BUFFERS, "core.multiarray.scalar", "_core.multiarray.scalar", "core.multiarray._reconstruct")
_CONVERTERS: dict[str, Callable[[_Converter, Record], Any]] = {
    **{f"omegaconf.nodes.{name}": _Converter.node for name in _NODES},
    "omegaconf.dictconfig.DictConfig": _Converter.container,
    "omegaconf.listconfig.ListConfig": _Converter.container,
    **dict.fromkeys(MAPPINGS, _Converter.mapping),
    "collections.deque": _Converter.sequence,
    **{f"numpy.{name}": _Converter.numpy for name in (*_ARRAYS, "_core.multiarray._reconstruct", "dtype")},
    **{f"{module}.{name}": _Converter.text for module in _PATHLIB for name in _PATHS},
    "torch.device": _Converter.device,
    **{f"{m}.{n}": _Converter.number for m in ("builtins", "__builtin__") for n in ("bool", "complex", "float", "int")},
    **{f"{m}.{n}": _Converter.number for m in ("builtins", "__builtin__") for n in ("long", "str", "unicode")},
    **{f"gymnasium.spaces.{name}": _Converter.space for name in (*_SPACES, "tuple.Tuple")},
}
