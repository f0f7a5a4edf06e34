"""Turns the bytes of a pickle into an inert graph: records of what the file says, no objects of the classes it names.

The C unpickler does the work; `find_class` hands it `GlobalRef`s, so that whatever an opcode calls, builds or extends
is one of the few types defined here or a plain container. A scan before it refuses what would hurt while loading.
"""

from __future__ import annotations

import dataclasses
import io
import math
import pickle
import pickletools
import re
import sys
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NoReturn

import torch

from migrate.errors import UnsafeFileError, UnusableFileError

MAX_DEPTH = 500
_MAX_TUPLE = 1 << 20  # items, counted with repetition: hashing a tuple visits every one, however it is shared
_MAX_GLOBALS = 2000
_MAX_DIMS = 64
_DAMAGED = "get an intact copy of the file; this one is damaged or was not written by torch.save"
_UNSAFE = "do not load this file anywhere; get the checkpoint from a source that you trust"
_MODULE = re.compile(r"(<torch_package_\d+>\.)?[^\W\d]\w*(\.[^\W\d]\w*)*")

_PYTHON = ("builtins", "__builtin__")
_BUILTINS = "bool|bytearray|bytes|complex|dict|float|frozenset|int|list|long|object|range|set|slice|str|tuple|unicode"
_INERT_CALLS = re.compile(  # kept as data: making these calls would need a look at each argument
    rf"(builtins|__builtin__)\.({_BUILTINS})|numpy\.(_?core\.multiarray\.(_reconstruct|scalar)|dtype)"
    r"|numpy\.random\._pickle\.__(generator|bit_generator|randomstate)_ctor"
    r"|pathlib\.(Path|PosixPath|WindowsPath|PurePath|PurePosixPath|PureWindowsPath)"
    r"|datetime\.(date|datetime|time|timedelta|timezone)|collections\.(defaultdict|deque|Counter)"
    r"|decimal\.Decimal|torch\.device"
)
_REFERENCES = re.compile(r"typing\.(Any|Dict|List|Optional|Tuple|Union)|uuid\.UUID")


class GlobalRef(type):
    """A class or function that the file names; equal by `path`.

    It is a class since the unpickler insists on classes, and it is the whole defence: calling it is refused unless its
    path is in a table here, and making an instance of it gives a `Record`.
    """

    def __new__(mcs, path: str) -> GlobalRef:
        return super().__new__(mcs, path, (), {"__slots__": (), "__new__": _record_instead})

    @property
    def path(cls) -> str:
        """Dotted path, `torch.FloatStorage`."""
        return cls.__name__

    def __call__(cls, *args: Any) -> Any:
        """What REDUCE, and OBJ and INST with arguments, come down to.

        Raises:
            UnsafeFileError: calls ...
        """
        if cls.path in _CALLS:
            return _CALLS[cls.path](cls.path, args)
        if _INERT_CALLS.fullmatch(cls.path):
            return Call(cls.path, args)
        raise UnsafeFileError(f"calls {cls.path}, which is not among the calls that a policy needs", fix=_UNSAFE)

    def __setattr__(cls, name: str, value: Any) -> NoReturn:
        raise UnusableFileError(f"sets {name!r} on {cls.path}", fix=_DAMAGED)

    def __eq__(cls, other: object) -> bool:
        return isinstance(other, GlobalRef) and cls.path == other.path

    def __hash__(cls) -> int:
        return hash(cls.path)

    def __repr__(cls) -> str:
        return f"GlobalRef({cls.path!r})"


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
    """A call from the tables here that is kept as data and not made."""

    __slots__ = ()


class _Sealed:
    """Refuses the BUILD opcode, which would change what was checked."""

    def __setstate__(self, state: Any) -> NoReturn:
        raise UnusableFileError("changes a tensor after it was made", fix=_DAMAGED)


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


def read_pickle(data: bytes, *, where: str, persistent_load: Callable[[Any], Any]) -> Any:
    """Reads one pickle without running or importing anything that it names.

    Args:
        data: the pickle, nothing before or after it.
        where: the file and entry, for messages.
        persistent_load: gives a `StorageRef` or `GlobalRef` for a persistent id.

    Raises:
        UnsafeFileError: calls ... / refers to ...
        UnusableFileError: cannot be read ... / is nested ...
    """
    end = pickle_end(data, where=where)
    if end != len(data):
        raise UnusableFileError(f"{len(data) - end} bytes follow the end of the pickle", where=where, fix=_DAMAGED)
    with _damage_at(where):
        root = _Unpickler(data, persistent_load).load()
        _check_depth(root)
    return root


def pickle_end(data: bytes, *, where: str, start: int = 0) -> int:
    """Position after the pickle that starts at `start`, once a scan found nothing that hurts while it is loaded.

    Raises:
        UnsafeFileError: byte N: uses the extension registry
        UnusableFileError: cannot be read ... / byte N: ...
    """
    stream = io.BytesIO(data)
    stream.seek(start)
    scan = _Scan(len(data))
    with _damage_at(where):
        for opcode, argument, position in pickletools.genops(stream):
            scan.step(opcode, argument, f"byte {position}: ")
    return stream.tell()


@contextmanager
def _damage_at(where: str) -> Iterator[None]:
    try:
        yield
    except (UnsafeFileError, UnusableFileError) as error:
        raise type(error)(error.what, where=error.where or where, fix=error.fix) from error
    except Exception as error:  # garbage makes the C unpickler and the tokeniser raise nearly every built-in exception
        raise UnusableFileError(f"cannot be read as a pickle: {error!r:.300}", where=where, fix=_DAMAGED) from error


class _Unpickler(pickle.Unpickler):
    def __init__(self, data: bytes, persistent_load: Callable[[Any], Any]) -> None:
        super().__init__(io.BytesIO(data), encoding="utf-8")
        self._persistent_load = persistent_load
        self._refs: dict[str, GlobalRef] = {}

    def persistent_load(self, pid: Any) -> Any:
        return self._persistent_load(pid)

    def find_class(self, module: str, name: str) -> GlobalRef:
        path = f"{module}.{name}"
        if path not in self._refs:
            if not _MODULE.fullmatch(module) or not name.isidentifier():
                raise UnsafeFileError(f"refers to {path!r:.300}, which is not a class in a module", fix=_UNSAFE)
            known = path in _CALLS or _INERT_CALLS.fullmatch(path) or _REFERENCES.fullmatch(path)
            if module.partition(".")[0] in _STANDARD_LIBRARY and not known:
                raise UnsafeFileError(f"refers to {path}, which no policy needs", fix=_UNSAFE)
            if len(self._refs) == _MAX_GLOBALS:
                raise UnusableFileError(f"names more than {_MAX_GLOBALS} classes", fix=_DAMAGED)
            self._refs[path] = GlobalRef(path)
        return self._refs[path]


_STANDARD_LIBRARY = sys.stdlib_module_names | {"__builtin__", "copy_reg", "posix", "nt"}


def _record_instead(ref: GlobalRef, *args: Any) -> Record:
    return Record(ref.path, args)


# Calls that are made, since their results are plain data: every argument is checked for its exact type first.
def _container(path: str, args: tuple[Any, ...]) -> Any:
    kinds: dict[str, Any] = {"dict": dict, "frozenset": frozenset, "list": list, "set": set}
    kind = kinds.get(path.rpartition(".")[2], OrderedDict)
    _expect(path, args, len(args) == 0 or (len(args) == 1 and type(args[0]) in (list, tuple, dict, set)))
    return kind(*args)


def _bytes(path: str, args: tuple[Any, ...]) -> Any:
    kind = bytearray if path.endswith("bytearray") else bytes
    latin = len(args) == 2 and type(args[0]) is str and args[1] in ("latin1", "latin-1")
    _expect(path, args, latin or not args or (len(args) == 1 and type(args[0]) is bytes))
    return kind(args[0].encode("latin-1")) if latin else kind(*args)


def _size(path: str, args: tuple[Any, ...]) -> tuple[int, ...]:
    _expect(path, args, len(args) == 1 and type(args[0]) is tuple and all(type(size) is int for size in args[0]))
    return tuple(args[0])


def _reconstructor(path: str, args: tuple[Any, ...]) -> Record:
    _expect(path, args, len(args) == 3 and isinstance(args[0], GlobalRef) and isinstance(args[1], GlobalRef))
    items = args[2] if type(args[2]) is dict else None
    values = args[2] if type(args[2]) is list else None
    other = () if args[2] is None or items is not None or values is not None else (args[2],)
    return Record(args[0].path, other, None, items, values)


def _tensor(path: str, args: tuple[Any, ...]) -> TensorRef:
    typed = path.endswith("_v3")
    _expect(path, args, 6 + typed <= len(args) <= 7 + typed and isinstance(args[0], StorageRef))
    storage: StorageRef = args[0]
    offset, shape, stride, requires_grad = args[1:5]
    _expect(path, args, type(requires_grad) is bool and not args[5] and not any(args[6 + typed :]))
    sizes = all(type(part) is tuple and all(type(size) is int for size in part) for part in (shape, stride))
    _expect(path, args, sizes and len(shape) == len(stride) <= _MAX_DIMS and type(offset) is int)
    dtype = _named_dtype(args[6]) if typed else storage.dtype
    room, rest = divmod((storage.base + storage.numel) * storage.dtype.itemsize, dtype.itemsize)
    if storage.base and dtype != storage.dtype:
        raise UnusableFileError("reads a view of a storage as another type", fix=_DAMAGED)
    numel = math.prod(shape)
    last = offset + sum((size - 1) * step for size, step in zip(shape, stride, strict=True)) if numel else offset - 1
    negative = min(0, offset, *shape, *stride) < 0
    if negative or rest or numel > room - storage.base or storage.base + last >= room or storage.base + offset > room:
        what = f"a tensor of shape {shape!s:.200}, strides {stride!s:.200} at element {offset}"
        raise UnusableFileError(f"{what} does not fit storage {storage.key!r} ({storage.numel} elements)", fix=_DAMAGED)
    return TensorRef(storage.key, dtype, storage.base + offset, shape, stride, requires_grad, parameter=False)


def _parameter(path: str, args: tuple[Any, ...]) -> TensorRef:
    # `_with_state` adds a fourth argument: attributes that somebody hung on the parameter. No old code reads any.
    _expect(path, args, len(args) == 3 + path.endswith("_with_state") and isinstance(args[0], TensorRef))
    _expect(path, args, type(args[1]) is bool and not args[2])
    tensor: TensorRef = dataclasses.replace(args[0], requires_grad=args[1], parameter=True)
    return tensor


def _named_dtype(ref: Any) -> torch.dtype:
    dtype = getattr(torch, ref.path.removeprefix("torch."), None) if isinstance(ref, GlobalRef) else None
    if not isinstance(dtype, torch.dtype):
        raise UnusableFileError(f"{ref!r:.100} is not a tensor type that this version of torch knows", fix=_DAMAGED)
    return dtype


def _expect(path: str, args: tuple[Any, ...], right: bool) -> None:
    if not right:
        kinds = ", ".join(type(arg).__name__ for arg in args)
        raise UnusableFileError(f"{path} has arguments ({kinds}) that torch.save does not give it", fix=_DAMAGED)


_CALLS: dict[str, Callable[[str, tuple[Any, ...]], Any]] = {
    **{f"{module}.{name}": _container for module in _PYTHON for name in ("dict", "frozenset", "list", "set")},
    **{f"{module}.{name}": _bytes for module in _PYTHON for name in ("bytes", "bytearray")},
    "_codecs.encode": _bytes,
    "collections.OrderedDict": _container,
    "copyreg._reconstructor": _reconstructor,
    "copy_reg._reconstructor": _reconstructor,
    "torch.Size": _size,
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_tensor_v3": _tensor,
    "torch._utils._rebuild_parameter": _parameter,
    "torch._utils._rebuild_parameter_with_state": _parameter,
}


class _Scan:
    """Follows how deep the objects of a pickle nest, with the stack effects that `pickletools` declares."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.stack: list[tuple[int, int] | None] = []  # (depth, items counted with repetition); None is the mark
        self.memo: dict[int, tuple[int, int]] = {}

    def step(self, opcode: pickletools.OpcodeInfo, argument: Any, at: str) -> None:
        name = opcode.name
        if name.startswith("EXT"):
            raise UnsafeFileError(f"{at}uses the extension registry of pickle", fix=_UNSAFE)
        if name in ("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"):
            key = len(self.memo) if name == "MEMOIZE" else argument
            if not 0 <= key <= self.size:  # the unpickler allocates up to this index
                raise UnusableFileError(f"{at}memo index {key} in a pickle of {self.size} bytes", fix=_DAMAGED)
            self.memo[key] = self.stack[-1] or (0, 0)
        elif name in ("GET", "BINGET", "LONG_BINGET"):
            self.stack.append(self.memo[argument])
        elif name == "MARK":
            self.stack.append(None)
        elif name == "DUP":
            self.stack.append(self.stack[-1])
        else:
            self._apply(opcode, at)

    def _apply(self, opcode: pickletools.OpcodeInfo, at: str) -> None:
        taken = [part or (0, 0) for part in self._take(opcode)]
        if not opcode.stack_after:
            return
        grows = opcode.name in ("APPEND", "APPENDS", "SETITEM", "SETITEMS", "ADDITEMS", "BUILD")
        inner = taken[1:] if grows else taken
        depth = max([1 + max([part[0] for part in inner], default=0), *[part[0] for part in taken[:1] if grows]])
        weight = 1 + (sum(part[1] for part in taken) if opcode.name.startswith("TUPLE") else 0)
        if depth > MAX_DEPTH:
            raise UnusableFileError(f"{at}nested more than {MAX_DEPTH} levels deep", fix=_DAMAGED)
        if weight > _MAX_TUPLE:
            raise UnusableFileError(f"{at}a tuple that expands to more than {_MAX_TUPLE} items", fix=_DAMAGED)
        self.stack.append((depth, weight))

    def _take(self, opcode: pickletools.OpcodeInfo) -> list[tuple[int, int] | None]:
        to_mark = pickletools.markobject in opcode.stack_before or (opcode.name == "POP" and self.stack[-1] is None)
        if not to_mark:
            start = len(self.stack) - len(opcode.stack_before)
            if start < 0:
                raise IndexError("the stack is empty")
        else:
            mark = len(self.stack) - 1 - self.stack[::-1].index(None)
            start = mark - (opcode.stack_before.index(pickletools.markobject) if opcode.stack_before[1:] else 0)
        taken, self.stack[start:] = self.stack[start:], []
        return taken


def _check_depth(root: Any) -> None:
    """Makes sure that a recursive walk in the natural order, which visits each object once, stays shallow."""
    seen: set[int] = set()
    path: list[Iterator[Any]] = [iter((root,))]
    while path:
        for child in path[-1]:
            inner = _children(child)
            if inner and id(child) not in seen:
                seen.add(id(child))
                path.append(iter(inner))
                break
        else:
            path.pop()
        if len(path) > MAX_DEPTH:
            raise UnusableFileError(f"is nested more than {MAX_DEPTH} levels deep", fix=_DAMAGED)


def _children(value: Any) -> list[Any]:
    if isinstance(value, Record):
        return [value.args, value.state, value.items, value.values]
    if isinstance(value, OrderedDict) and not vars(value).keys() <= {"_metadata"}:
        raise UnusableFileError(f"an OrderedDict with attributes {sorted(map(str, vars(value)))}", fix=_DAMAGED)
    if isinstance(value, dict):
        return [*dict.keys(value), *dict.values(value), *getattr(value, "__dict__", {}).values()]
    return list(value) if isinstance(value, list | tuple | set | frozenset) else []
