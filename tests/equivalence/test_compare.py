from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from equivalence.compare import difference, same_bytes

FLOATS = st.floats(width=32, allow_nan=True, allow_infinity=True)


def explain(old: Tensor | None, new: Tensor | None, *, strides: bool = True) -> str | None:
    found = difference("output", "value", old, new, strides=strides)
    return found.detail if found else None


@given(st.lists(FLOATS, max_size=8))
def test_a_tensor_equals_its_copy_whatever_it_holds(values: list[float]) -> None:
    tensor = torch.tensor(values)
    assert explain(tensor, tensor.clone()) is None


def test_minus_zero_is_not_zero() -> None:
    assert explain(torch.tensor([0.0]), torch.tensor([-0.0])) is not None


def test_nan_equals_nan_of_the_same_payload_only() -> None:
    quiet = torch.tensor([0x7FC00000], dtype=torch.int32).view(torch.float32)
    other = torch.tensor([0x7FC00001], dtype=torch.int32).view(torch.float32)
    assert same_bytes(quiet, quiet.clone())
    assert not same_bytes(quiet, other)


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_the_next_float_is_one_ulp_away(value: float) -> None:
    old = torch.tensor([value])
    new = torch.nextafter(old, torch.tensor([math.inf]))
    across = 2 if value == 0 and math.copysign(1, value) < 0 else 1  # 0.0 and -0.0 are two floats
    assert f"by up to {across} ulp" in str(explain(old, new))


@pytest.mark.parametrize(("old", "new"), [(2.0, -1.9999999999999998), (1e300, -1e300), (-2.0, 2.0)])
def test_doubles_further_apart_than_integers_count_are_told(old: float, new: float) -> None:
    found = difference("output", "value", torch.tensor([old]).double(), torch.tensor([new]).double())
    assert found is not None
    assert (found.differing, found.ulp) == (1, torch.iinfo(torch.int64).max)


@pytest.mark.parametrize(
    ("old", "new", "detail"),
    [
        (torch.zeros(2), torch.zeros(3), "shape (2,) became (3,)"),
        (torch.zeros(2), torch.zeros(2).double(), "dtype torch.float32 became torch.float64"),
        (torch.zeros(2, 3), torch.zeros(3, 2).T, "strides (3, 1) became (1, 2)"),
        (None, torch.zeros(1), "only the new side has it"),
        (torch.zeros(1), None, "only the old side has it"),
        (torch.tensor([1, 2]), torch.tensor([1, 3]), "1 of 2 values differ, first at [1]: 2 became 3"),
    ],
)
def test_a_difference_is_explained(old: Tensor | None, new: Tensor | None, detail: str) -> None:
    assert explain(old, new) == detail


def test_strides_of_size_one_dimensions_count_where_numbers_are_rounded_by_them() -> None:
    assert explain(torch.zeros(1, 3), torch.zeros(3, 1).T) == "strides (3, 1) became (1, 1)"
    assert explain(torch.zeros(1, 3).int(), torch.zeros(3, 1).int().T) is None


def test_strides_can_be_left_out() -> None:
    assert explain(torch.zeros(2, 3), torch.zeros(3, 2).T, strides=False) is None


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_float_types_are_compared_by_their_own_ulps(dtype: torch.dtype) -> None:
    old = torch.tensor([1.0], dtype=dtype)
    new = (
        torch.nextafter(old, torch.tensor([2.0], dtype=dtype))
        if dtype == torch.float64
        else old + torch.finfo(dtype).eps
    )
    assert "by up to 1 ulp" in str(explain(old, new))


def test_a_strided_single_element_is_compared() -> None:
    column = torch.arange(4.0).view(2, 2)[:1, 1:]
    assert explain(column.squeeze(0), torch.tensor([1.0]), strides=False) is None
