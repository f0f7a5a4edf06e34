"""Reads a file made by torch.save: which container it is, where its storages lie, and its tensors on demand."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from migrate.containers import Storage, read_stream, read_zip
from migrate.errors import UnsafeFileError, UnusableFileError
from migrate.pickle_reader import TensorRef
from migrate.pickle_records import DAMAGED


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A checked file: an inert graph (`root`) whose `TensorRef`s point into `storages`.

    Args:
        path: the file.
        root: the object that was saved; of a package, a dict with the object of each pickle by entry name.
        storages: by key, those that a tensor of the graph can refer to.
        container: "zip", "stream" (torch before 1.6) or "package" (torch.package).
        sha256: of the whole file.
        data: the whole file.
    """

    path: Path
    root: Any
    storages: dict[str, Storage]
    container: str
    sha256: str
    data: bytes = field(repr=False)
    _buffers: dict[str, torch.Tensor] = field(default_factory=dict, repr=False)

    def tensor(self, ref: TensorRef) -> torch.Tensor:
        """A CPU tensor with the recorded shape and strides; those of one storage share memory.

        Raises:
            UnusableFileError: a bool that is neither 0 nor 1
        """
        storage = self.storages[ref.storage]
        if storage.key not in self._buffers:
            payload = bytearray(self.data[storage.offset : storage.offset + storage.nbytes])
            empty = torch.empty(0, dtype=torch.uint8)
            self._buffers[storage.key] = torch.frombuffer(payload, dtype=torch.uint8) if payload else empty
        buffer = self._buffers[storage.key]
        if ref.dtype == torch.bool and bool((buffer > 1).any()):  # undefined behaviour in torch
            what = f"storage {storage.key!r} holds a bool that is neither 0 nor 1"
            raise UnusableFileError(what, where=self.path, fix=DAMAGED)
        tensor = torch.empty(0, dtype=ref.dtype)
        return tensor.set_(buffer.untyped_storage(), ref.offset, ref.shape, ref.stride)


def read_checkpoint(path: str | Path) -> Checkpoint:
    """Reads and checks a file made by torch.save, without running anything in it.

    Raises:
        UnsafeFileError: calls ... / refers to ...
        UnusableFileError: whatever else is wrong with it.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UnusableFileError(f"cannot be opened: {error.strerror}", where=path, fix="check the path") from error
    return checkpoint_of(data, path)


def checkpoint_of(data: bytes, path: Path) -> Checkpoint:
    """The bytes of a file made by torch.save, safely read; see `read_checkpoint`."""
    try:
        root, storages, container = (read_zip if data.startswith(b"PK\x03\x04") else read_stream)(data, str(path))
    except (UnsafeFileError, UnusableFileError) as error:
        raise type(error)(error.what, where=error.where or path, fix=error.fix or DAMAGED) from error
    return Checkpoint(path, root, storages, container, hashlib.sha256(data).hexdigest(), data)


def check_finite(named_tensors: Mapping[str, torch.Tensor], where: object) -> None:
    """Refuses tensors with NaN or Inf.

    Raises:
        UnusableFileError: N of M tensors hold NaN or Inf
    """
    bad = {}
    for name, tensor in named_tensors.items():
        count = int(tensor.numel() - torch.isfinite(tensor).sum()) if tensor.is_floating_point() else 0
        if count:
            bad[name] = count
    if bad:
        first = ", ".join(f"{name} ({count} values)" for name, count in list(bad.items())[:3])
        more = f" and {len(bad) - 3} more" if len(bad) > 3 else ""
        what = f"{len(bad)} of {len(named_tensors)} tensors hold NaN or Inf: {first}{more}"
        raise UnusableFileError(what, where=where, fix="take an earlier checkpoint, from before the training diverged")
