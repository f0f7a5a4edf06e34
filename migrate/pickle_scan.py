"""Refuses a pickle that would hurt while it is loaded or walked: too deep, too large when expanded, or damaged."""

from __future__ import annotations

import io
import pickletools
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from migrate.errors import UnsafeFileError, UnusableFileError
from migrate.pickle_calls import UNSAFE
from migrate.pickle_records import DAMAGED, Record

MAX_DEPTH = 500
_MAX_SHARED = 100_000  # values beyond a pickle's own bytes, which it has by naming one container in several places
_MAX_TUPLE = 1 << 20  # items, counted with repetition: hashing a tuple visits every one, however it is shared
_MAX_LONG = 1000  # integers of more than 64 bits: unlike strings, they can be made to have one hash


def pickle_end(data: bytes, *, where: str, start: int = 0) -> int:
    """Position after the pickle that starts at `start`, once a scan found nothing that hurts while it is loaded.

    Raises:
        UnsafeFileError: byte N: uses the extension registry
        UnusableFileError: cannot be read ... / byte N: ...
    """
    stream = io.BytesIO(data)
    stream.seek(start)
    scan = _Scan(len(data))
    with damage_at(where):
        for opcode, argument, position in pickletools.genops(stream):
            scan.step(opcode, argument, f"byte {position}: ")
    return stream.tell()


@contextmanager
def damage_at(where: str) -> Iterator[None]:
    """Adds the place to our errors, and makes whatever else is raised inside one of them.

    Raises:
        UnusableFileError: cannot be read as a pickle: ...
    """
    try:
        yield
    except (UnsafeFileError, UnusableFileError) as error:
        raise type(error)(error.what, where=error.where or where, fix=error.fix) from error
    except Exception as error:  # garbage makes the C unpickler and the tokeniser raise nearly every built-in exception
        raise UnusableFileError(f"cannot be read as a pickle: {error!r:.300}", where=where, fix=DAMAGED) from error


class _Scan:
    """Follows how deep the objects of a pickle nest, with the stack effects that `pickletools` declares."""

    def __init__(self, size: int) -> None:
        self.size, self.long = size, 0
        self.stack: list[tuple[int, int] | None] = []  # (depth, items counted with repetition); None is the mark
        self.memo: dict[int, tuple[int, int]] = {}

    def step(self, opcode: pickletools.OpcodeInfo, argument: Any, at: str) -> None:
        name = opcode.name
        if type(argument) is int and argument.bit_length() > 64:
            self.long += 1
            if self.long > _MAX_LONG:
                raise UnusableFileError(f"{at}more than {_MAX_LONG} integers of more than 64 bits", fix=DAMAGED)
        if name.startswith("EXT"):
            raise UnsafeFileError(f"{at}uses the extension registry of pickle", fix=UNSAFE)
        if name in ("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"):
            key = len(self.memo) if name == "MEMOIZE" else argument
            if not 0 <= key <= self.size:  # the unpickler allocates up to this index
                raise UnusableFileError(f"{at}memo index {key} in a pickle of {self.size} bytes", fix=DAMAGED)
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
            raise UnusableFileError(f"{at}nested more than {MAX_DEPTH} levels deep", fix=DAMAGED)
        if weight > _MAX_TUPLE:
            raise UnusableFileError(f"{at}a tuple that expands to more than {_MAX_TUPLE} items", fix=DAMAGED)
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


def check_graph(root: Any, size: int) -> None:
    """Makes sure that a recursive walk stays shallow, and that one without a memo of plain containers stays short.

    A list of ten times the same list, and so on, has few bytes and no end (the "billion laughs").

    Args:
        root: what was read.
        size: of the pickle in bytes, which has no more values than that unless some stand in several places.

    Raises:
        UnusableFileError: is nested more than ... / expands to more than ... / an OrderedDict with attributes ...
    """
    weights: dict[int, int] = {}
    path: list[tuple[Any, list[Any], Iterator[Any]]] = [(None, [root], iter((root,)))]
    while path:
        value, inner, rest = path[-1]
        for child in rest:
            if id(child) not in weights and (below := _children(child)):
                weights[id(child)] = 1
                path.append((child, below, iter(below)))
                break
        else:
            path.pop()
            weights[id(value)] = 1 if isinstance(value, Record) else 1 + sum(weights.get(id(each), 1) for each in inner)
            if weights[id(value)] > _MAX_SHARED + size:
                raise UnusableFileError(f"expands to more than {_MAX_SHARED} values beyond its own", fix=DAMAGED)
        if len(path) > MAX_DEPTH:
            raise UnusableFileError(f"is nested more than {MAX_DEPTH} levels deep", fix=DAMAGED)


def _children(value: Any) -> list[Any]:
    if isinstance(value, Record):
        return [value.args, value.state, value.items, value.values]
    if isinstance(value, OrderedDict) and not vars(value).keys() <= {"_metadata"}:
        raise UnusableFileError(f"an OrderedDict with attributes {sorted(map(str, vars(value)))}", fix=DAMAGED)
    if isinstance(value, dict):
        return [*dict.keys(value), *dict.values(value), *getattr(value, "__dict__", {}).values()]
    return list(value) if isinstance(value, list | tuple | set | frozenset) else []
