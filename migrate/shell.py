"""Keeps what a checkpoint file is besides its tensor data, so that the file can be given back byte for byte."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from migrate.archive import Checkpoint
from migrate.errors import UnusableFileError

_FIX = "convert the original file again; the parts do not belong together"


@dataclass(frozen=True)
class Shell:
    """A file with payloads cut out.

    Args:
        pieces: everything else, concatenated.
        slots: (position in the original file, storage key, nbytes) of each payload, in file order.
    """

    pieces: bytes
    slots: tuple[tuple[int, str, int], ...]


def split(checkpoint: Checkpoint, keys: Collection[str]) -> Shell:
    """Cuts the payloads of the storages `keys` out of the file; those of other storages stay in.

    Raises:
        UnusableFileError: no storage ...
    """
    unknown = sorted(set(keys) - checkpoint.storages.keys())
    if unknown:
        raise UnusableFileError(f"no storage {', '.join(unknown)}", where=checkpoint.path, fix=_FIX)
    cut = sorted((checkpoint.storages[key] for key in set(keys)), key=lambda storage: storage.offset)
    pieces, position = [], 0
    for storage in cut:
        pieces.append(checkpoint.data[position : storage.offset])
        position = storage.offset + storage.nbytes
    pieces.append(checkpoint.data[position:])
    return Shell(b"".join(pieces), tuple((storage.offset, storage.key, storage.nbytes) for storage in cut))


def join(shell: Shell, payloads: Mapping[str, bytes]) -> bytes:
    """The original file when the payloads are the original ones, else that file with them and with right checksums.

    Raises:
        UnusableFileError: storages ... / storage ... has N bytes instead of M / a slot ...
    """
    wrong = sorted({key for _, key, _ in shell.slots} ^ payloads.keys())
    if wrong:
        raise UnusableFileError(f"storages {', '.join(wrong)} are missing or unknown", fix=_FIX)
    pieces, taken, position = [], 0, 0
    for offset, key, nbytes in shell.slots:
        if len(payloads[key]) != nbytes:
            raise UnusableFileError(f"storage {key} has {len(payloads[key])} bytes instead of {nbytes}", fix=_FIX)
        gap = offset - position
        if gap < 0 or taken + gap > len(shell.pieces):
            raise UnusableFileError(f"a slot at byte {offset} does not fit", where=f"storage {key}", fix=_FIX)
        pieces += [shell.pieces[taken : taken + gap], payloads[key]]
        taken, position = taken + gap, offset + nbytes
    pieces.append(shell.pieces[taken:])
    whole = bytearray().join(pieces)
    if whole.startswith(b"PK\x03\x04"):
        _correct_checksums(whole, {offset for offset, _, _ in shell.slots})
    return bytes(whole)


def _correct_checksums(whole: bytearray, slots: set[int]) -> None:
    """A CRC-32 stands in up to three places: central directory, local header, and a descriptor after the data."""
    try:
        with zipfile.ZipFile(io.BytesIO(whole)) as archive:
            infos, central = archive.infolist(), archive.start_dir
        for info in infos:
            local = info.header_offset
            begin = local + 30 + sum(struct.unpack_from("<HH", whole, local + 26))
            crc = zlib.crc32(memoryview(whole)[begin : begin + info.file_size]) if begin in slots else info.CRC
            if crc != info.CRC:
                end = begin + info.file_size
                descriptor = end + 4 if whole[end : end + 4] == b"PK\x07\x08" else end
                places = [central + 16, local + 14] + [descriptor] * (info.flag_bits >> 3 & 1)
                for place in places:
                    if struct.unpack_from("<L", whole, place)[0] == info.CRC:  # a local header may hold 0 instead
                        struct.pack_into("<L", whole, place, crc)
            central += 46 + sum(struct.unpack_from("<HHH", whole, central + 28))
    except (zipfile.BadZipFile, struct.error) as error:
        raise UnusableFileError(f"the joined file is not a zip file: {error}", fix=_FIX) from error
