"""The classes and functions that a pickle may name, and the few calls that are made for it; all others are refused."""

from __future__ import annotations

import dataclasses
import functools
import math
import re
from collections import OrderedDict
from collections.abc import Callable
from reprlib import repr as short
from typing import Any, NoReturn

import torch

from migrate.errors import UnsafeFileError, UnusableFileError
from migrate.pickle_records import DAMAGED, Call, Record, StorageRef, TensorRef

UNSAFE = "do not load this file anywhere; get the checkpoint from a source that you trust"
_MAX_DIMS = 64

_PYTHON = ("builtins", "__builtin__")
_BUILTINS = (
    "bool|bytearray|bytes|complex|dict|float|frozenset|int|list|long|object|range|set|slice|str|tuple|unicode|xrange"
)
INERT_CALLS = re.compile(  # kept as data: making these calls would need a look at each argument
    rf"(builtins|__builtin__)\.({_BUILTINS})|numpy\.dtype"
    r"|numpy\._?core\.(multiarray\.(_reconstruct|scalar)|numeric\._frombuffer)"
    r"|numpy\.random\.(_pickle\.__(generator|bit_generator|randomstate)_ctor|bit_generator\.__pyx_unpickle_\w+)"
    r"|pathlib\.(_local\.)?(Path|PosixPath|WindowsPath|PurePath|PurePosixPath|PureWindowsPath)"
    r"|datetime\.(date|datetime|time|timedelta|timezone)|collections\.(defaultdict|deque|Counter)"
    r"|decimal\.Decimal|torch\.device|contextlib\.nullcontext|torch\._dynamo\.eval_frame\.\w*Context"
)
COMPILER = re.compile(r"torch\._dynamo\.\w+(\.\w+)*|torch\._TorchCompile\w*|contextlib\.nullcontext")
"""What `torch.compile` leaves beside a module, in the files of a trainer that saved it whole (trap 45)."""
TENSORS = ("torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor_v3")
OPERATORS = "torch._C._VariableFunctionsClass"
"""Where functions such as `torch.tanh` live; pickle says them as attributes of it."""
PURE_FUNCTIONS = re.compile(
    r"abs|a?(cos|sin|tan)h?|celu|clamp|elu|erf|exp|expm1|gelu|glu|hard(shrink|sigmoid|swish|tanh)|leaky_relu|log|log1p"
    r"|log_?sigmoid|log_softmax|mish|neg|normalize|reciprocal|r?relu6?|rsqrt|selu|sigmoid|sign|silu|soft(max|min|plus)"
    r"|soft(shrink|sign)|sqrt|square|tanhshrink|threshold"
)
"""Functions of torch that a component may keep."""
REFERENCES = re.compile(r"typing\.(Any|Dict|List|Optional|Tuple|Union)|uuid\.UUID")


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
        if cls.path in CALLS:
            return CALLS[cls.path](cls.path, args)
        if INERT_CALLS.fullmatch(cls.path):
            return Call(cls.path, args)
        raise UnsafeFileError(f"calls {cls.path}, which is not among the calls that a policy needs", fix=UNSAFE)

    def __setattr__(cls, name: str, value: Any) -> NoReturn:
        raise UnusableFileError(f"sets {name!r} on {cls.path}", fix=DAMAGED)

    def __eq__(cls, other: object) -> bool:
        return isinstance(other, GlobalRef) and cls.path == other.path

    def __hash__(cls) -> int:
        return hash(cls.path)

    def __repr__(cls) -> str:
        return f"GlobalRef({cls.path!r})"


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
        raise UnusableFileError("reads a view of a storage as another type", fix=DAMAGED)
    numel = math.prod(shape)
    last = offset + sum((size - 1) * step for size, step in zip(shape, stride, strict=True)) if numel else offset - 1
    negative = min(0, offset, *shape, *stride) < 0
    if negative or rest or numel > room - storage.base or storage.base + last >= room or storage.base + offset > room:
        what = f"a tensor of shape {shape!s:.200}, strides {stride!s:.200} at element {offset}"
        raise UnusableFileError(f"{what} does not fit storage {storage.key!r} ({storage.numel} elements)", fix=DAMAGED)
    return TensorRef(storage.key, dtype, storage.base + offset, shape, stride, requires_grad, parameter=False)


def _parameter(path: str, args: tuple[Any, ...]) -> TensorRef:
    _expect(path, args, len(args) == 3 + path.endswith("_with_state") and isinstance(args[0], TensorRef))
    _expect(path, args, type(args[1]) is bool and not args[2])
    _refuse_attributes("parameter", *args[3:])
    tensor: TensorRef = dataclasses.replace(args[0], requires_grad=args[1], parameter=True)
    return tensor


def _tensor_with_state(path: str, args: tuple[Any, ...]) -> TensorRef:
    """A tensor that is no parameter and has attributes, as `torch.Tensor.__reduce_ex__` says it."""
    named = len(args) == 4 and all(isinstance(arg, GlobalRef) for arg in args[:2]) and type(args[2]) is tuple
    _expect(path, args, named and args[0].path in TENSORS and args[1].path == "torch.Tensor")
    _refuse_attributes("tensor", args[3])
    return _tensor(args[0].path, args[2])


def _refuse_attributes(kind: str, state: Any = None) -> None:
    """What a tensor has beside its values: a dict; with slots, a pair of them.

    Marks of `torch.compile` say nothing, nor does None: heavyball, the optimizer, hangs empty attributes on parameters.
    """
    said = state.items() if type(state) is dict else [("(in slots)", state)] if state else []
    if names := sorted(str(name) for name, value in said if value is not None and not str(name).startswith("_dynamo_")):
        what = f"a {kind} with attributes {', '.join(names):.200}, which a migration would lose"
        raise UnusableFileError(what, fix=f"remove these attributes from the {kind} and save the file again")


def _compiled(path: str, args: tuple[Any, ...]) -> Record:
    """`torch.compile(module)`: the module, without what compiled it, which only made it faster."""
    _expect(path, args, len(args) == 2 and isinstance(args[0], Record))
    return Record(path, state={"_modules": {"_orig_mod": args[0]}})


@functools.cache  # each is a class, which a file could ask for without end
def _operator(name: str) -> GlobalRef:
    return GlobalRef(f"{OPERATORS}.{name}")


def is_pure_function(name: Any) -> bool:
    """Whether torch's function of that name computes a tensor from tensors, and touches nothing else."""
    return isinstance(name, str) and PURE_FUNCTIONS.fullmatch(name) is not None


def _method(path: str, args: tuple[Any, ...]) -> Call | GlobalRef:
    """A bound method, as pickle says one: a function of torch, or of what compiles a module."""
    if len(args) == 2 and args[0] == GlobalRef(OPERATORS) and is_pure_function(args[1]):
        return _operator(args[1])
    if len(args) != 2 or not isinstance(args[0], Record) or not COMPILER.fullmatch(args[0].path):
        raise UnsafeFileError(f"calls {path} on {args[0] if args else None!r:.100}", fix=UNSAFE)
    return Call(path, args)


def _named_dtype(ref: Any) -> torch.dtype:
    dtype = getattr(torch, ref.path.removeprefix("torch."), None) if isinstance(ref, GlobalRef) else None
    if not isinstance(dtype, torch.dtype):
        raise UnusableFileError(f"{short(ref)} is not a tensor type that this version of torch knows", fix=DAMAGED)
    return dtype


def _expect(path: str, args: tuple[Any, ...], right: bool) -> None:
    if not right:
        kinds = ", ".join(type(arg).__name__ for arg in args)
        raise UnusableFileError(f"{path} has arguments ({kinds}) that torch.save does not give it", fix=DAMAGED)


CALLS: dict[str, Callable[[str, tuple[Any, ...]], Any]] = {
    **{f"{module}.{name}": _container for module in _PYTHON for name in ("dict", "frozenset", "list", "set")},
    **{f"{module}.{name}": _bytes for module in _PYTHON for name in ("bytes", "bytearray")},
    "_codecs.encode": _bytes,
    "collections.OrderedDict": _container,
    "copyreg._reconstructor": _reconstructor,
    "copy_reg._reconstructor": _reconstructor,
    **{f"{module}.getattr": _method for module in _PYTHON},
    "torch.Size": _size,
    "torch._dynamo.eval_frame.OptimizedModule": _compiled,
    "torch._tensor._rebuild_from_type_v2": _tensor_with_state,
    **dict.fromkeys(TENSORS, _tensor),
    "torch._utils._rebuild_parameter": _parameter,
    "torch._utils._rebuild_parameter_with_state": _parameter,
}
