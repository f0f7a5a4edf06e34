"""A file that was taken apart is given back byte for byte, and stays valid with other tensors in it."""

from __future__ import annotations

import io
import zipfile
import zlib
from pathlib import Path

import pytest
import torch

from migrate.archive import Checkpoint, read_checkpoint
from migrate.errors import UnusableFileError
from migrate.shell import Shell, join, split


@pytest.fixture(params=[True, False], ids=["zip", "stream"])
def checkpoint(request: pytest.FixtureRequest, tmp_path: Path) -> Checkpoint:
    state = {"a": torch.randn(3, 4), "b": torch.arange(7), "c": torch.empty(0), "d": torch.ones(2)}
    torch.save(state, tmp_path / "policy.pt", _use_new_zipfile_serialization=request.param)
    return read_checkpoint(tmp_path / "policy.pt")


def _payloads(checkpoint: Checkpoint, shell: Shell) -> dict[str, bytes]:
    return {key: checkpoint.data[offset : offset + nbytes] for offset, key, nbytes in shell.slots}


def test_the_original_payloads_give_the_original_file(checkpoint: Checkpoint) -> None:
    for count in range(5):
        shell = split(checkpoint, list(checkpoint.storages)[:count])
        payloads = _payloads(checkpoint, shell)
        assert len(payloads) == count
        assert len(shell.pieces) == len(checkpoint.data) - sum(map(len, payloads.values()))
        assert join(shell, payloads) == checkpoint.data


def test_changed_payloads_give_a_valid_file(checkpoint: Checkpoint) -> None:
    shell = split(checkpoint, checkpoint.storages)
    payloads = _payloads(checkpoint, shell)
    payloads[checkpoint.root["b"].storage] = bytes(56)
    whole = join(shell, payloads)
    loaded = torch.load(io.BytesIO(whole), weights_only=True)
    assert loaded["b"].tolist() == [0] * 7
    assert torch.equal(loaded["a"], checkpoint.tensor(checkpoint.root["a"]))
    if checkpoint.container == "zip":
        with zipfile.ZipFile(io.BytesIO(whole)) as archive:
            assert archive.testzip() is None
    checkpoint.path.write_bytes(whole)
    read_checkpoint(checkpoint.path)


def test_an_unknown_storage_cannot_be_cut(checkpoint: Checkpoint) -> None:
    with pytest.raises(UnusableFileError, match="no storage 99"):
        split(checkpoint, ["99"])


def test_payloads_must_fit_their_slots(checkpoint: Checkpoint) -> None:
    shell = split(checkpoint, checkpoint.storages)
    payloads = _payloads(checkpoint, shell)
    key = checkpoint.root["a"].storage
    with pytest.raises(UnusableFileError, match=f"storage {key} has 49 bytes instead of 48"):
        join(shell, payloads | {key: bytes(49)})
    with pytest.raises(UnusableFileError, match=f"storages {key} are missing or unknown"):
        join(shell, {other: payloads[other] for other in payloads if other != key})
    with pytest.raises(UnusableFileError, match="does not fit"):
        join(Shell(b"PK", ((900, "0", 1),)), {"0": b"x"})


@pytest.mark.parametrize("rewritten", [False, True], ids=["by torch", "by zipfile"])
def test_no_copy_of_an_old_checksum_is_left(rewritten: bool, tmp_path: Path) -> None:
    path = tmp_path / "policy.pt"
    torch.save({"b": torch.arange(7)}, path)
    if rewritten:  # a checksum in the local header instead of behind the data
        with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as old, zipfile.ZipFile(path, "w") as new:
            for name in old.namelist():
                new.writestr(name, old.read(name))
    checkpoint = read_checkpoint(path)
    (storage,) = checkpoint.storages.values()
    old_crc = zlib.crc32(checkpoint.data[storage.offset : storage.offset + 56]).to_bytes(4, "little")
    whole = join(split(checkpoint, [storage.key]), {storage.key: bytes(56)})
    assert whole.count(old_crc) == 0
    assert whole.count(zlib.crc32(bytes(56)).to_bytes(4, "little")) == checkpoint.data.count(old_crc) >= 2
