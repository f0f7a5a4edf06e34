"""Every tensor is what torch reads; every damage is an error of ours, in no time and without a trace."""

from __future__ import annotations

import contextlib
import io
import pickle
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from migrate.archive import check_finite, read_checkpoint
from migrate.errors import MigrationError, UnusableFileError

DTYPES = [torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.complex64, torch.complex128, torch.bool]
DTYPES += [torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.uint16, torch.float8_e4m3fn]


def _saved(value: Any, *, new: bool = True) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer, _use_new_zipfile_serialization=new)
    return buffer.getvalue()


def _bytes(tensor: torch.Tensor) -> bytes:
    raw = tensor.detach().contiguous().reshape(-1).view(torch.uint8)
    return bytes(raw.tolist())


def _state() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    base = torch.randn(6, 8)
    state = {str(dtype): (torch.rand(3, 5) * 4).to(dtype) for dtype in DTYPES}
    views = {"base": base, "row": base[2], "transposed": base.t(), "strided": base[1::2, ::3], "scalar": base[3, 3]}
    last = torch.randn(2, 3, 4, 4).to(memory_format=torch.channels_last)
    return state | views | {"empty": torch.empty(0, 4), "last": last, "parameter": torch.nn.Parameter(torch.ones(2))}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "policy.pt"


@pytest.mark.parametrize("new", [True, False], ids=["zip", "stream"])
def test_every_tensor_is_the_one_that_torch_reads(file: Path, new: bool) -> None:
    state = _state()
    if not new:
        del state["torch.uint16"], state["torch.float8_e4m3fn"]
    file.write_bytes(_saved(state, new=new))
    expected = torch.load(file, weights_only=True)
    checkpoint = read_checkpoint(file)
    assert checkpoint.container == ("zip" if new else "stream")
    assert checkpoint.root.keys() == expected.keys()
    for name, ref in checkpoint.root.items():
        tensor, wanted = checkpoint.tensor(ref), expected[name]
        assert (tensor.dtype, tensor.shape, tensor.stride()) == (wanted.dtype, wanted.shape, wanted.stride()), name
        assert _bytes(tensor) == _bytes(wanted), name
        assert ref.parameter == isinstance(wanted, torch.nn.Parameter), name
        assert ref.requires_grad == wanted.requires_grad, name


def test_aliases_share_memory_and_the_file_is_left_alone(file: Path) -> None:
    base = torch.zeros(4, 4)
    file.write_bytes(_saved({"base": base, "row": base[1]}))
    before = file.read_bytes()
    checkpoint = read_checkpoint(file)
    whole, row = (checkpoint.tensor(checkpoint.root[name]) for name in ("base", "row"))
    row.fill_(7)
    assert whole[1].tolist() == [7.0] * 4
    assert whole.untyped_storage().data_ptr() == row.untyped_storage().data_ptr()
    assert file.read_bytes() == before


def test_a_storage_says_where_its_bytes_lie(file: Path) -> None:
    file.write_bytes(_saved({"w": torch.arange(5)}))
    checkpoint = read_checkpoint(file)
    (storage,) = checkpoint.storages.values()
    lies = file.read_bytes()[storage.offset : storage.offset + storage.nbytes]
    assert lies == bytes(bytearray(b"".join(i.to_bytes(8, "little") for i in range(5))))


def _rezipped(data: bytes, change: Any) -> bytes:
    """The same archive with other entries: `change(name, payload)` gives pairs."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            for other, payload in change(name, old.read(name)):
                new.writestr(other, payload)
    return target.getvalue()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda n, p: [(n, p)] * (not n.endswith("data/0")), "the entry 'data/0' is missing"),
        (lambda n, p: [(n, p[:-4] if n.endswith("data/0") else p)], "storage '0' has 36 bytes instead of 40"),
        (lambda n, p: [(n, p)] * (not n.endswith("pkl")), "without data.pkl"),
        (lambda n, p: [(n, b"big" if n.endswith("byteorder") else p)], "big-endian"),
        (lambda n, p: [(n, p), ("/etc/x", b"")] if n.endswith("pkl") else [(n, p)], "leaves the folder"),
        (lambda n, p: [(n, p), ("archive/../x", b"")] if n.endswith("pkl") else [(n, p)], "leaves the folder"),
        (lambda n, p: [(n, p), ("archive/a\\b", b"")] if n.endswith("pkl") else [(n, p)], "leaves the folder"),
        (lambda n, p: [(n, p), ("other/x", b"")] if n.endswith("pkl") else [(n, p)], "several root folders"),
    ],
)
def test_a_wrong_archive_is_unusable(file: Path, change: Any, message: str) -> None:
    file.write_bytes(_rezipped(_saved({"w": torch.ones(10)}), change))
    with pytest.raises(UnusableFileError, match=message) as caught:
        read_checkpoint(file)
    assert str(file) in caught.value.where
    assert caught.value.fix


def test_overlapping_entries_are_refused(file: Path) -> None:
    inner = zipfile.ZipInfo("archive/inner")
    inner.file_size = inner.compress_size = 1
    inner.CRC = zlib.crc32(b"x")
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/outer", inner.FileHeader() + b"x")
        inner.header_offset = 30 + len("archive/outer")  # where the payload of the outer one begins
        archive.filelist.append(inner)
    with zipfile.ZipFile(file) as archive:
        assert archive.namelist() == ["archive/outer", "archive/inner"]
    with pytest.raises(UnusableFileError, match="the entry 'inner' overlaps the one before it"):
        read_checkpoint(file)


def test_compressed_entries_are_refused(file: Path) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", pickle.dumps([1] * 99, 2))
    with pytest.raises(UnusableFileError, match="compressed or encrypted"):
        read_checkpoint(file)


def test_a_flipped_payload_byte_is_found_by_its_checksum(file: Path) -> None:
    data = bytearray(_saved({"w": torch.ones(10)}))
    data[data.index(b"\x00\x00\x80\x3f" * 10)] ^= 1
    file.write_bytes(data)
    with pytest.raises(UnusableFileError, match="checksum"):
        read_checkpoint(file)


def test_a_bool_other_than_0_and_1_is_refused(file: Path) -> None:
    saved = _saved({"mask": torch.tensor([True, False])})
    file.write_bytes(_rezipped(saved, lambda n, p: [(n, b"\x01\x02" if n.endswith("data/0") else p)]))
    checkpoint = read_checkpoint(file)
    with pytest.raises(UnusableFileError, match="storage '0' holds a bool that is neither 0 nor 1") as caught:
        checkpoint.tensor(checkpoint.root["mask"])
    assert caught.value.where == str(file)


@pytest.mark.parametrize("new", [True, False], ids=["zip", "stream"])
def test_attributes_hung_on_a_parameter_are_refused(file: Path, new: bool) -> None:
    parameter = torch.nn.Parameter(torch.ones(2))
    vars(parameter)["tag"] = "encoder"
    file.write_bytes(_saved({"w": parameter}, new=new))
    with pytest.raises(UnusableFileError, match=r"a parameter with attributes tag,") as caught:
        read_checkpoint(file)
    assert str(file) in caught.value.where


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the file is empty"),
        (b"hello", "neither a zip file nor a pickle"),
        (b"\x80\x02K\x01.", "magic number is missing"),
        (b"PK\x03\x04rest", "not a complete zip file"),
    ],
)
def test_other_files_are_unusable(file: Path, data: bytes, message: str) -> None:
    file.write_bytes(data)
    with pytest.raises(UnusableFileError, match=message):
        read_checkpoint(file)


def test_a_missing_file_is_unusable(file: Path) -> None:
    with pytest.raises(UnusableFileError, match="cannot be opened"):
        read_checkpoint(file)


@pytest.mark.parametrize("cut", [1, 9])
def test_a_stream_that_is_cut_or_too_long_is_unusable(file: Path, cut: int) -> None:
    data = _saved({"w": torch.ones(10)}, new=False)
    for wrong in (data[:-cut], data + b"x" * cut):
        file.write_bytes(wrong)
        with pytest.raises(UnusableFileError, match="bytes"):
            read_checkpoint(file)


def test_non_finite_tensors_are_named_with_their_counts() -> None:
    tensors = {"a": torch.tensor([1.0, float("nan"), float("inf")]), "b": torch.ones(2), "c": torch.ones(1).long()}
    with pytest.raises(UnusableFileError, match=r"policy: 1 of 3 tensors hold NaN or Inf: a \(2 values\)"):
        check_finite(tensors, "policy")
    check_finite({"b": tensors["b"], "c": tensors["c"]}, "policy")


GOOD = {new: _saved({"w": torch.ones(3, 2), "n": (1, 2.5, "x", {"k": [None]})}, new=new) for new in (True, False)}
QUICK = settings(max_examples=120, deadline=2000, suppress_health_check=[HealthCheck.function_scoped_fixture])


def _reads_or_refuses(file: Path, data: bytes) -> None:
    file.write_bytes(data)
    with contextlib.suppress(MigrationError):
        read_checkpoint(file)
    assert list(file.parent.iterdir()) == [file]


@QUICK
@given(new=st.booleans(), flips=st.lists(st.tuples(st.integers(0, 1 << 20), st.integers(1, 255)), min_size=1))
def test_flipped_bytes_give_our_errors_only(file: Path, new: bool, flips: list[tuple[int, int]]) -> None:
    data = bytearray(GOOD[new])
    for place, bits in flips:
        data[place % len(data)] ^= bits
    _reads_or_refuses(file, bytes(data))


@QUICK
@given(new=st.booleans(), cut=st.integers(1, 1 << 20))
def test_truncation_gives_our_errors_only(file: Path, new: bool, cut: int) -> None:
    _reads_or_refuses(file, GOOD[new][: cut % len(GOOD[new])])


def test_a_persistent_id_whose_text_would_double_at_each_level_is_refused_at_once(tmp_path: Path) -> None:
    nested: list[Any] = []
    for _ in range(60):
        nested = [nested, nested]

    class Pickler(pickle.Pickler):
        def persistent_id(self, obj: Any) -> Any:
            return nested if isinstance(obj, Marker) else None

    class Marker:
        pass

    buffer = io.BytesIO()
    Pickler(buffer, protocol=2).dump({"a": Marker()})
    path = tmp_path / "doubling.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", buffer.getvalue())
        archive.writestr("archive/version", "3")
    with pytest.raises(UnusableFileError, match="a persistent id that torch"):
        read_checkpoint(path)
