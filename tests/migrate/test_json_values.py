"""Values of an optimizer's state survive JSON with their types."""

from __future__ import annotations

import json
from collections import OrderedDict, defaultdict
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from migrate.errors import UnusableFileError
from migrate.json_values import from_json, to_json
from migrate.pickle_records import Record

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary()
KEYS = st.text() | st.integers() | st.sampled_from(["__tuple__", "__set__", "__bytes__", "__dict__"])


SETS = st.sets(SCALARS | st.frozensets(st.integers())) | st.frozensets(SCALARS)


def _containers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(KEYS, inner) | SETS


@given(st.recursive(SCALARS, _containers))
def test_every_value_comes_back_with_its_type(value: Any) -> None:
    assert said(from_json(json.loads(json.dumps(to_json(value))))) == said(value)


def said(value: Any) -> str:
    """`repr`, in which the order of a set does not count."""
    if isinstance(value, set | frozenset):
        return f"{type(value).__name__} of {sorted(map(said, value))}"
    if isinstance(value, dict):
        return f"dict of {[(said(key), said(each)) for key, each in value.items()]}"
    if isinstance(value, list | tuple):
        return f"{type(value).__name__} of {[said(each) for each in value]}"
    return repr(value)


@pytest.mark.parametrize("value", [OrderedDict(a={}), defaultdict(dict, a={})], ids=repr)
def test_kinds_of_dict_come_back_as_dicts(value: Any) -> None:
    assert said(from_json(to_json(value))) == said({"a": {}})


def test_a_key_that_could_not_be_one_again_is_refused() -> None:
    with pytest.raises(UnusableFileError, match="a Record as key of a dict"):
        to_json({Record("collections.Counter", items={"a": 1}): 1})


@pytest.mark.parametrize(
    "value",
    [
        {"__tuple__": 3},
        {"__scalar__": ["load", 1]},
        {"__scalar__": ["no_type", 1]},
        {"__bytes__": 1},
        {"__dict__": [[1]]},
        {"__set__": [[1]]},
    ],
    ids=repr,
)
def test_what_nobody_wrote_is_refused(value: Any) -> None:
    with pytest.raises(UnusableFileError, match="a value that was changed by hand"):
        from_json([value])


def test_a_scalar_keeps_its_type() -> None:
    assert repr(from_json(to_json(torch.tensor(0.1, dtype=torch.float32)))) == "tensor(0.1000)"


def test_a_tensor_is_no_value() -> None:
    with pytest.raises(UnusableFileError, match="a Tensor cannot be converted"):
        to_json([torch.ones(1)])


def test_numbers_of_numpy_are_said_as_pythons() -> None:
    assert to_json({"score": np.float64(1.5), "epoch": np.int64(3)}) == {"score": 1.5, "epoch": 3}
