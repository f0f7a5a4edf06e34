"""The pickle reader makes inert records of everything and refuses whatever would call code."""

from __future__ import annotations

import collections
import copyreg
import os
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch

from migrate.errors import UnsafeFileError, UnusableFileError
from migrate.pickle_reader import Call, GlobalRef, Record, StorageRef, TensorRef, read_pickle

TENSOR = b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n(Vkey\nQ%s\x89ccollections\nOrderedDict\n)RtR."


class _Attack:
    def __init__(self, *call: Any) -> None:
        self.call = call

    def __reduce__(self) -> Any:
        return self.call[0], self.call[1:]


def read(data: bytes) -> Any:
    return read_pickle(data, where="file", persistent_load=lambda _: StorageRef("0", torch.float32, 16))


def test_a_class_becomes_a_record_with_its_state() -> None:
    record = read(b"\x80\x02cmy_project.layers\nMyLayer\nK\x07\x85\x81}Vsize\nK\x03sb.")
    assert (type(record), record.path, record.args, record.state) == (
        Record,
        "my_project.layers.MyLayer",
        (7,),
        {"size": 3},
    )


def test_slots_count_as_attributes() -> None:
    assert Record("a.B", state=({"x": 1}, {"y": 2})).attributes == {"x": 1, "y": 2}
    assert Record("a.B", state=5).attributes == {}


def test_subclasses_of_dict_and_list_keep_what_was_put_into_them() -> None:
    record = read(b"\x80\x02cm\nD\n)\x81(Va\nK\x01Vb\nK\x02uVc\nK\x03s.")
    assert record.items == {"a": 1, "b": 2, "c": 3}
    assert read(b"\x80\x02cm\nL\n)\x81(K\x01K\x02eK\x03a.").values == [1, 2, 3]


def test_a_named_class_is_a_reference_equal_by_path() -> None:
    ref = read(b"\x80\x02ctyping\nAny\n.")
    assert isinstance(ref, GlobalRef)
    assert ref.path == "typing.Any"
    assert ref == GlobalRef("typing.Any") != GlobalRef("typing.List")
    assert {ref: 1}[GlobalRef("typing.Any")] == 1


@pytest.mark.parametrize("protocol", range(6))
def test_plain_values_survive_every_protocol(protocol: int) -> None:
    value = {
        "a": [1, 2.5, None, True, -(1 << 80)],
        "b": (b"x\xff", "\u20ac", {1, 2}, frozenset([3])),
        "c": collections.OrderedDict([("z", bytearray(b"abc"))]),
        "d": complex,
    }
    result = read(pickle.dumps(value, protocol))
    assert result.pop("d").path.endswith(".complex")
    value.pop("d")
    assert result == value
    assert type(result["c"]) is collections.OrderedDict


@pytest.mark.parametrize("protocol", range(6))
def test_a_defaultdict_stays_an_inert_call(protocol: int) -> None:
    call = read(pickle.dumps(collections.defaultdict(list, {"a": [1]}), protocol))
    assert isinstance(call, Call)
    assert (call.path, call.items) == ("collections.defaultdict", {"a": [1]})
    assert isinstance(call.args[0], GlobalRef)


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (b"cos\nsystem\n(Vtouch x\ntR.", "os.system"),
        (b"(Vtouch x\nios\nsystem\n.", "os.system"),
        (b"(cos\nsystem\nVtouch x\no.", "os.system"),
        (b"cposix\nsystem\n.", "posix.system"),
        (b"cnt\nsystem\n.", "nt.system"),
        (b"c__builtin__\neval\n.", "__builtin__.eval"),
        (b"cmetta.agent.policy_store\nos.system\n.", "os.system"),
        (b"ctorch.serialization\nos.system\n.", "os.system"),
        (b"ca b\nc\n.", "a b.c"),
        (b"cm..x\nc\n.", "m..x.c"),
        (b"ctyping\nget_type_hints\n.", "typing.get_type_hints"),
        (b"\x80\x02ctorch\nload\n(Vx\ntR.", "torch.load"),
        (b"\x80\x02cnumpy\nfromfile\n(Vx\ntR.", "numpy.fromfile"),
        (b"\x80\x02cnumpy\ndtype_of\n(Vx\ntR.", "numpy.dtype_of"),
        (b"\x80\x02comegaconf\nload\n(Vx\ntR.", "omegaconf.load"),
        (b"\x80\x02cmy.layers\nL\n(K\x01tR.", "my.layers.L"),
        (b"\x80\x02(cmy.layers\nL\nK\x01o.", "my.layers.L"),
        (b"\x80\x02(K\x01imy.layers\nL\n.", "my.layers.L"),
    ],
)
def test_code_is_refused_and_named(data: bytes, named: str) -> None:
    with pytest.raises(UnsafeFileError) as caught:
        read(data)
    assert named in caught.value.what
    assert caught.value.where == "file"
    assert caught.value.exit_code == 3


@pytest.mark.parametrize("protocol", range(6))
def test_reduce_runs_nothing(protocol: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UnsafeFileError, match="system"):
        read(pickle.dumps(_Attack(os.system, "touch _PWNED_marker"), protocol))
    assert not list(tmp_path.iterdir())


def test_the_extension_registry_is_not_used() -> None:
    copyreg.add_extension("os", "system", 7)
    try:
        with pytest.raises(UnsafeFileError, match="byte 2: uses the extension registry"):
            read(b"\x80\x02\x82\x07.")
    finally:
        copyreg.remove_extension("os", "system", 7)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "pickle exhausted"),
        (b"\x80\x02]", "exhausted before seeing STOP"),
        (b"\x80\x02K\x01.junk", "4 bytes follow the end"),
        (b"\x80\x02r\xff\xff\xff\x7f.", "memo index"),
        (b"\x80\x02)" + b"\x85" * 600 + b".", "nested more than 500"),
        (b"\x80\x02(" + b"K\x01" * 1000 + b"t" + b"q\x00h\x00\x86" * 20 + b".", "expands to more than"),
        (b"\x80\x02c__builtin__\nbytes\nJ\xff\xff\xff\x7f\x85R.", "has arguments"),
        (b"\x80\x02c__builtin__\nset\nVabc\n\x85R.", "has arguments"),
        (b"\x80\x02cm\nC\nN}Vx\nK\x01s\x86b.", "sets 'x' on m.C"),
        (b"\x80\x02ccollections\nOrderedDict\n)R}Vitems\nK\x01sb.", "attributes"),
        (b"\x80\x02K\x01K\x02R.", "cannot be read"),
    ],
)
def test_damage_is_unusable(data: bytes, message: str) -> None:
    with pytest.raises(UnusableFileError, match=message) as caught:
        read(data)
    assert caught.value.exit_code == 2
    assert caught.value.fix


def test_nesting_through_shared_containers_is_found_too() -> None:
    with pytest.raises(UnusableFileError, match="nested more than 500"):
        read(_chain(600))


def _chain(length: int) -> bytes:
    """Lists that are memoised while empty, so that the scan sees each as flat, and linked afterwards."""
    made = b"".join(b"]r" + i.to_bytes(4, "little") + b"0" for i in range(length))
    get = [b"j" + i.to_bytes(4, "little") for i in range(length)]
    linked = b"".join(get[i] + get[i + 1] + b"a0" for i in range(length - 1))
    return b"\x80\x02" + made + linked + get[0] + b"."


def test_a_tensor_is_a_checked_reference() -> None:
    ref = read(TENSOR % b"K\x04K\x02K\x03\x86K\x03K\x01\x86")
    assert isinstance(ref, TensorRef)
    assert (ref.storage, ref.dtype, ref.offset, ref.shape, ref.stride) == ("0", torch.float32, 4, (2, 3), (3, 1))
    assert (ref.requires_grad, ref.parameter) == (False, False)


@pytest.mark.parametrize(
    "numbers",
    [
        b"J\xf8\xff\xff\xffK\x04\x85K\x01\x85",
        b"K\x0dK\x04\x85K\x01\x85",
        b"K\x00K\x04\x85J\xff\xff\xff\xff\x85",
        b"K\x00J\xff\xff\xff\xff\x85K\x01\x85",
        b"K\x00K\x11\x85K\x00\x85",
        b"K\x11K\x00\x85K\x01\x85",
    ],
)
def test_a_tensor_outside_its_storage_is_refused(numbers: bytes) -> None:
    with pytest.raises(UnusableFileError, match="does not fit storage '0'"):
        read(TENSOR % numbers)


PARAMETER = b"\x80\x02ctorch._utils\n_rebuild_parameter_with_state\n(%s\x88)%stR."


@pytest.mark.parametrize(
    ("state", "named"),
    [(b"}Vtag\nK\x01sVa\nK\x00sVb\nNs", "a, tag"), (b"N}Vtag\nK\x01s\x86", r"\(in slots\)")],
    ids=["dict", "slots"],
)
def test_attributes_hung_on_a_parameter_are_refused(state: bytes, named: str) -> None:
    tensor = (TENSOR % b"K\x00K\x04\x85K\x01\x85")[2:-1]
    with pytest.raises(UnusableFileError, match=f"a parameter with attributes {named}, which a migration") as caught:
        read(PARAMETER % (tensor, state))
    assert caught.value.where == "file"
    assert "remove these attributes" in caught.value.fix
    assert read(PARAMETER % (tensor, b"}")).parameter, "without any, it is a parameter like others"


def test_a_tensor_cannot_be_changed_after_the_check() -> None:
    data = (TENSOR % b"K\x00K\x04\x85K\x01\x85")[:-1] + b"}Voffset\nK\x63sb."
    with pytest.raises(UnusableFileError, match="changes a tensor"):
        read(data)


def test_a_list_of_lists_that_has_few_bytes_and_no_end_is_refused_at_once() -> None:
    laughs: list[Any] = ["lol"]
    for _ in range(30):
        laughs = [laughs] * 10
    with pytest.raises(UnusableFileError, match="expands to more than 100000 values"):
        read(pickle.dumps(laughs, 2))


def test_a_list_that_stands_in_many_places_is_read() -> None:
    shared = list(range(100))
    assert read(pickle.dumps(dict.fromkeys(range(500), shared), 2))[499] == shared


def test_a_long_list_is_read() -> None:
    assert len(read(pickle.dumps(list(range(200_000)), 2))) == 200_000


def test_a_set_of_integers_made_to_have_one_hash_is_refused_at_once() -> None:
    with pytest.raises(UnusableFileError, match="more than 1000 integers of more than 64 bits"):
        read(pickle.dumps({i * (2**61 - 1) for i in range(10, 3000)}, 2))


def test_more_classes_than_any_policy_has_are_refused() -> None:
    named = [b"cm\nC%d\n0" % number for number in range(2001)]
    assert read(b"\x80\x02" + b"".join(named[1:] + named[1:]) + b"N.") is None
    with pytest.raises(UnusableFileError, match="names more than 2000 classes"):
        read(b"\x80\x02" + b"".join(named) + b"N.")


def test_a_parameter_with_hooks_is_refused() -> None:
    tensor = (TENSOR % b"K\x00K\x04\x85K\x01\x85")[2:-1]
    data = b"\x80\x02ctorch._utils\n_rebuild_parameter\n(%s\x88%stR."
    assert read(data % (tensor, b"}")).parameter
    with pytest.raises(UnusableFileError, match="_rebuild_parameter has arguments"):
        read(data % (tensor, b"}K\x00Ns"))


def test_a_place_in_a_storage_that_is_no_integer_is_refused() -> None:
    with pytest.raises(UnusableFileError, match="_rebuild_tensor_v2 has arguments"):
        read(TENSOR % b"G\x00\x00\x00\x00\x00\x00\x00\x00K\x04\x85K\x01\x85")


def test_a_tensor_with_attributes_is_made_by_what_makes_tensors_alone() -> None:
    made = (TENSOR % b"K\x00K\x04\x85K\x01\x85")[2:-1]
    function, arguments = made[: made.index(b"(")], made[made.index(b"(") : -1]
    data = b"\x80\x02ctorch._tensor\n_rebuild_from_type_v2\n(%sctorch\nTensor\n%s}tR."
    assert read(data % (function, arguments)).shape == (4,)
    with pytest.raises(UnusableFileError, match="_rebuild_from_type_v2 has arguments"):
        read(data % (b"ctorch._utils\n_rebuild_sparse_tensor\n", arguments))
