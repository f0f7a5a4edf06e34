"""`AddMergeLayer`, `SubtractMergeLayer` and `MeanMergeLayer`."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from legacy.layers.add_merge import AddMergeLayer, AddMergeLayerE4a
from legacy.layers.mean_merge import MeanMergeLayer, MeanMergeLayerE4a
from legacy.layers.subtract_merge import SubtractMergeLayer, SubtractMergeLayerE4a
from tests.legacy._build import Source, build, run

A = Source("a", torch.tensor([[1.0, 2.0, 3.0]]))
B = Source("b", torch.tensor([[10.0, 20.0, 30.0]]))
C = Source("c", torch.zeros(1, 4))
MERGES = (AddMergeLayer, SubtractMergeLayer, MeanMergeLayer)
FIRST, LAST = {"name": "a", "slice": [0, 1], "dim": 1}, {"name": "b", "slice": [2, 3], "dim": 1}


@pytest.mark.parametrize(
    ("cls", "expected"),
    [(AddMergeLayer, [11, 22, 33]), (SubtractMergeLayer, [-9, -18, -27]), (MeanMergeLayer, [5.5, 11, 16.5])],
)
def test_sources_are_joined_number_by_number(cls: Any, expected: list[float]) -> None:
    assert run(build(cls, A, B)).tolist() == [expected]


@pytest.mark.parametrize(("cls", "expected"), list(zip(MERGES, [31, -29, 15.5], strict=True)))
def test_slices_are_joined_but_the_announced_shape_ignores_them(cls: Any, expected: float) -> None:  # trap 16
    layer = build(cls, A, B, sources=[FIRST, LAST])
    assert run(layer).tolist() == [[expected]]
    assert layer._out_tensor_shape == [3]


@pytest.mark.parametrize("cls", MERGES)
def test_the_announced_shape_is_the_list_of_the_first_input(cls: Any) -> None:  # trap 16
    layer = build(cls, A, B)
    assert layer._out_tensor_shape is layer._in_tensor_shapes[0]


@pytest.mark.parametrize(("cls", "op"), list(zip(MERGES, ["add", "subtract", "mean"], strict=True)))
def test_whole_shapes_must_agree_even_where_slices_do(cls: Any, op: str) -> None:  # trap 16
    message = rf"^For '{op}', all source sizes must match. Got sizes: \[\[3\], \[4\]\]$"
    with pytest.raises(ValueError, match=message):
        build(cls, A, C, sources=[FIRST, {"name": "c", "slice": [0, 1], "dim": 1}])


@pytest.mark.parametrize("cls", [AddMergeLayerE4a, SubtractMergeLayerE4a, MeanMergeLayerE4a])
def test_until_2025_05_27_the_message_itself_failed(cls: Any) -> None:
    with pytest.raises(AttributeError, match=r"^'(Add|Subtract|Mean)MergeLayer' object has no attribute 'sizes'$"):
        build(cls, A, C)


def test_a_difference_of_three_is_found_at_forward_only() -> None:
    layer = build(SubtractMergeLayer, A, B, sources=[{"name": "a"}, {"name": "b"}, {"name": "a"}])
    with pytest.raises(ValueError, match=r"^Subtract merge_op requires exactly two sources.$"):
        run(layer)


def test_a_source_may_be_listed_twice() -> None:  # trap 56
    assert run(build(MeanMergeLayer, A, B, sources=[{"name": "a"}, {"name": "a"}, {"name": "b"}])).tolist() == [
        [4, 8, 12]
    ]
