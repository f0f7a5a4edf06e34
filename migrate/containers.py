"""Reads the two containers of torch.save, zip and stream: the inert graph, and where each storage lies in the file."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from reprlib import repr as short
from typing import Any

import torch

from migrate.errors import UnusableFileError
from migrate.pickle_reader import GlobalRef, StorageRef, pickle_end, read_pickle
from migrate.pickle_records import DAMAGED

_OTHER = "give a file that torch.save wrote: a policy or a trainer state"
_REPACK = "load it with torch in the old stack and save it again, or pack the archive without compression (zip -0)"
_MAGIC, _PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
_STORAGES = {"Bool": torch.bool, "Byte": torch.uint8, "Char": torch.int8, "Short": torch.int16, "Int": torch.int32}
_STORAGES |= {"Long": torch.int64, "Half": torch.float16, "BFloat16": torch.bfloat16, "Float": torch.float32}
_STORAGES |= {"Double": torch.float64, "ComplexFloat": torch.complex64, "ComplexDouble": torch.complex128}
_DTYPES = {f"torch.{name}Storage": dtype for name, dtype in _STORAGES.items()}
_DTYPES["torch.storage.UntypedStorage"] = torch.uint8  # its size counts bytes; the tensors name their own type


@dataclass(frozen=True)
class Storage:
    """Where the payload of a storage lies: `nbytes` bytes from byte `offset` of the file."""

    key: str
    dtype: torch.dtype
    numel: int
    nbytes: int
    offset: int


class _Claims:
    """Collects what the persistent ids of a pickle claim about storages, before any is looked at."""

    def __init__(self) -> None:
        self.by_key: dict[str, StorageRef] = {}

    def load(self, pid: Any) -> Any:
        kind = pid[0] if type(pid) is tuple and pid else None
        if kind == "module" and len(pid) == 4 and isinstance(pid[1], GlobalRef):
            return pid[1]  # old files keep the source text of each class beside it; it is never looked at
        if kind != "storage" or len(pid) not in (5, 6):
            raise UnusableFileError(f"a persistent id that torch.save does not write: {short(kind)}", fix=DAMAGED)
        ref, key, _location, numel = pid[1:5]
        if not isinstance(ref, GlobalRef) or ref.path not in _DTYPES:
            raise UnusableFileError(f"storage {short(key)} is of unknown type {short(ref)}", fix=DAMAGED)
        if type(key) not in (str, int) or type(numel) is not int or numel < 0:
            raise UnusableFileError(f"storage {short(key)} claims {short(numel)} elements", fix=DAMAGED)
        claim = self.by_key.setdefault(str(key), StorageRef(str(key), _DTYPES[ref.path], numel))
        if (claim.dtype, claim.numel) != (_DTYPES[ref.path], numel):
            raise UnusableFileError(f"storage {key!r} is described in two ways", fix=DAMAGED)
        return claim if len(pid) == 5 or pid[5] is None else self._view(claim, pid[5])

    @staticmethod
    def _view(claim: StorageRef, view: Any) -> StorageRef:
        right = type(view) is tuple and len(view) == 3 and type(view[1]) is int and type(view[2]) is int
        if not right or view[1] < 0 or view[2] < 0 or view[1] + view[2] > claim.numel:
            raise UnusableFileError(f"a view {short(view)} that does not fit storage {claim.key!r}", fix=DAMAGED)
        return StorageRef(claim.key, claim.dtype, view[2], view[1])

    def storages(self, locate: Callable[[StorageRef], tuple[int, int]]) -> dict[str, Storage]:
        found = {}
        for key, claim in self.by_key.items():
            offset, size = locate(claim)
            nbytes = claim.numel * claim.dtype.itemsize
            if size != nbytes:
                raise UnusableFileError(f"storage {key!r} has {size} bytes instead of {nbytes}")
            found[key] = Storage(key, claim.dtype, claim.numel, nbytes, offset)
        return found


def read_zip(data: bytes, where: str) -> tuple[Any, dict[str, Storage], str]:
    """The format of torch since 1.6, and torch.package: pickles and storages as entries that are not compressed."""
    entries = _zip_entries(data)
    if data[slice(*entries.get("byteorder", (0, 0)))] not in (b"", b"little"):
        raise UnusableFileError("was written on a big-endian machine", fix="save it again on a little-endian machine")
    package = ".data/version" in entries
    pickles = [name for name in entries if name.endswith(".pkl")] if package else ["data.pkl"]
    if not pickles or not entries.keys() >= set(pickles):
        raise UnusableFileError("is a zip file without data.pkl, so no checkpoint", fix=_OTHER)
    claims = _Claims()
    roots = {
        name: read_pickle(data[slice(*entries[name])], where=f"{where} [{name}]", persistent_load=claims.load)
        for name in pickles
    }

    def locate(claim: StorageRef) -> tuple[int, int]:
        name = f".data/{claim.key}.storage" if package else f"data/{claim.key}"
        if name not in entries:
            raise UnusableFileError(f"the entry {name!r} is missing, to which the pickle refers")
        return entries[name][0], entries[name][1] - entries[name][0]

    root, container = (roots, "package") if package else (roots["data.pkl"], "zip")
    return root, claims.storages(locate), container


def _zip_entries(data: bytes) -> dict[str, tuple[int, int]]:
    """Begin and end of the payload of each entry, by name without the root folder, in file order."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            infos = sorted(archive.infolist(), key=lambda info: info.header_offset)
    except Exception as error:  # damage makes zipfile raise nearly every built-in exception
        raise UnusableFileError(f"is not a complete zip file: {error!r:.200}") from error
    entries: dict[str, tuple[int, int]] = {}
    roots, end = set(), 0
    for info in infos:
        if info.is_dir() and not info.file_size:
            continue  # of an archive that was unpacked and packed again
        parts = info.filename.split("/")
        if "\\" in info.filename or len(parts) < 2 or {"", ".", ".."} & set(parts):
            raise UnusableFileError(f"the entry name {info.filename!r:.200} leaves the folder of the archive")
        roots.add(parts[0])
        name = "/".join(parts[1:])
        if len(roots) > 1 or name in entries:
            raise UnusableFileError(f"several root folders, or entries of one name: {info.filename!r:.200}")
        if info.header_offset < end:
            raise UnusableFileError(f"the entry {name!r} overlaps the one before it")
        entries[name] = _payload(data, info)
        end = entries[name][1]
    return entries


def _payload(data: bytes, info: zipfile.ZipInfo) -> tuple[int, int]:
    if info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 1:
        raise UnusableFileError(
            f"the entry {info.filename!r} is compressed or encrypted, which torch.save never does", fix=_REPACK
        )
    header = data[info.header_offset : info.header_offset + 30]
    if len(header) < 30 or not header.startswith(b"PK\x03\x04"):
        raise UnusableFileError(f"the entry {info.filename!r} has no header at byte {info.header_offset}")
    name_size, extra_size = struct.unpack_from("<HH", header, 26)
    name_end = info.header_offset + 30 + name_size
    begin, end = name_end + extra_size, name_end + extra_size + info.file_size
    if data[info.header_offset + 30 : name_end] != info.orig_filename.encode("utf-8"):
        raise UnusableFileError(f"the entry {info.filename!r} has another name in its own header")
    if info.file_size != info.compress_size or end > len(data):
        raise UnusableFileError(f"the entry {info.filename!r} claims {info.file_size} bytes, more than there are")
    if zlib.crc32(memoryview(data)[begin:end]) != info.CRC:
        raise UnusableFileError(f"the entry {info.filename!r} is damaged: its checksum differs")
    return begin, end


def read_stream(data: bytes, where: str) -> tuple[Any, dict[str, Storage], str]:
    """The format of torch before 1.6: magic number, protocol, system, object, storage keys; then the payloads."""
    if not data:
        raise UnusableFileError("the file is empty")
    claims = _Claims()
    position = 0
    parts: list[Any] = []
    for name in ("magic number", "protocol", "system", "object", "storage keys"):
        try:
            end = pickle_end(data, where=f"{where} [{name}]", start=position)
        except UnusableFileError as error:
            if parts:
                raise
            raise UnusableFileError("is neither a zip file nor a pickle, so no checkpoint", fix=_OTHER) from error
        parts.append(read_pickle(data[position:end], where=f"{where} [{name}]", persistent_load=claims.load))
        if parts[0] != _MAGIC:
            raise UnusableFileError("is not a checkpoint: torch's magic number is missing", fix=_OTHER)
        position = end
    system, root, keys = parts[2:]
    if parts[1] != _PROTOCOL or type(system) is not dict or system.get("little_endian") is not True:
        raise UnusableFileError("is of another version of the format, or from a big-endian machine", fix=_OTHER)
    if type(keys) is not list or set(map(str, keys)) != claims.by_key.keys() or len(keys) != len(claims.by_key):
        raise UnusableFileError("its list of storages is not the one that the object refers to")
    places = {}
    for key in map(str, keys):
        size = int.from_bytes(data[position : position + 8], "little") * claims.by_key[key].dtype.itemsize
        places[key] = (position + 8, min(size, max(0, len(data) - position - 8)))
        position += 8 + size
    storages = claims.storages(lambda claim: places[claim.key])
    if position != len(data):
        raise UnusableFileError(f"has {len(data)} bytes where {position} belong")
    return root, storages, "stream"
