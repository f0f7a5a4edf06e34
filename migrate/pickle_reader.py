"""Turns the bytes of a pickle into an inert graph: records of what the file says, no objects of classes it names."""

from __future__ import annotations

import io
import pickle
import re
import sys
from collections.abc import Callable
from typing import Any

from migrate.errors import UnsafeFileError, UnusableFileError
from migrate.pickle_calls import CALLS, INERT_CALLS, REFERENCES, UNSAFE, GlobalRef
from migrate.pickle_records import DAMAGED, Call, Record, StorageRef, TensorRef
from migrate.pickle_scan import MAX_DEPTH, check_graph, damage_at, pickle_end

__all__ = ["MAX_DEPTH", "Call", "GlobalRef", "Record", "StorageRef", "TensorRef", "pickle_end", "read_pickle"]

_MAX_GLOBALS = 2000
_NEW_AGENTS = ("modules.agent.MettaAgent", "migrate.shadow.ShadowAgent")
_SAVE = "save it with modules.save_agent or migrate.save_policy"
_MODULE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")
_INTERNED = re.compile(r"<torch_package_\d+>\.")
"""Stands before the module of a class that was loaded from a package (trap 62)."""
_STANDARD_LIBRARY = sys.stdlib_module_names | {"__builtin__", "copy_reg", "posix", "nt"}


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
        raise UnusableFileError(f"{len(data) - end} bytes follow the end of the pickle", where=where, fix=DAMAGED)
    with damage_at(where):
        root = _Unpickler(data, persistent_load).load()
        check_graph(root, len(data))
    return root


class _Unpickler(pickle.Unpickler):
    """The C unpickler, which is handed `GlobalRef`s instead of classes.

    So whatever an opcode calls, builds or extends is a `GlobalRef`, one of `pickle_records` or a plain container.
    """

    def __init__(self, data: bytes, persistent_load: Callable[[Any], Any]) -> None:
        super().__init__(io.BytesIO(data), encoding="utf-8")
        self._persistent_load = persistent_load
        self._refs: dict[str, GlobalRef] = {}

    def persistent_load(self, pid: Any) -> Any:
        return self._persistent_load(pid)

    def find_class(self, module: str, name: str) -> GlobalRef:
        module = _INTERNED.sub("", module, count=1) if _INTERNED.match(module) else module
        path = f"{module}.{name}"
        if path not in self._refs:
            if path in _NEW_AGENTS:
                raise UnusableFileError("holds an agent of the new stack, which was pickled whole", fix=_SAVE)
            if not _MODULE.fullmatch(module) or not name.isidentifier():
                raise UnsafeFileError(f"refers to {path!r:.300}, which is not a class in a module", fix=UNSAFE)
            known = path in CALLS or INERT_CALLS.fullmatch(path) or REFERENCES.fullmatch(path)
            if module.partition(".")[0] in _STANDARD_LIBRARY and not known:
                raise UnsafeFileError(f"refers to {path}, which no policy needs", fix=UNSAFE)
            if len(self._refs) == _MAX_GLOBALS:
                raise UnusableFileError(f"names more than {_MAX_GLOBALS} classes", fix=DAMAGED)
            self._refs[path] = GlobalRef(path)
        return self._refs[path]
