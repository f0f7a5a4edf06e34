"""`AddMergeModule`, `SubtractMergeModule` and `MeanMergeModule`."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from modules.base import BuildContext
from modules.errors import ConfigError
from modules.layers.add_merge import AddMergeModule
from modules.layers.mean_merge import MeanMergeModule
from modules.layers.subtract_merge import SubtractMergeModule

MERGES: list[Any] = [AddMergeModule, SubtractMergeModule, MeanMergeModule]


@pytest.mark.parametrize(("cls", "expected"), list(zip(MERGES, [[5, 7], [-3, -3], [2.5, 3.5]], strict=True)))
def test_inputs_are_joined_number_by_number(cls: Any, expected: list[float]) -> None:
    merge = cls(["a", "b"])
    assert merge({"b": torch.tensor([[4.0, 5.0]]), "a": torch.tensor([[1.0, 2.0]])})["merged"].tolist() == [expected]


@pytest.mark.parametrize("cls", MERGES)
@given(st.integers(1, 4), st.integers(1, 4), st.integers(0, 3), st.sampled_from([1, -2]))
def test_the_shape_foretold_is_the_shape_computed(cls: Any, length: int, width: int, start: int, dim: int) -> None:
    """The old stack announced the shape before slicing, and compared those."""
    shapes = ((start + length, width), (length, width))
    slices = [(start, start + length), None]
    merge = cls(["a", "b"], slices=slices, dim=dim)
    result = merge.compute(*[torch.zeros(2, *shape) for shape in shapes])
    assert cls.output_shape(shapes, {"dim": dim, "slices": slices}) == tuple(result.shape[1:]) == (length, width)


@pytest.mark.parametrize(("cls", "verb"), list(zip(MERGES, ["add", "subtract", "average"], strict=True)))
@pytest.mark.parametrize("slices", [None, [(0, 1), None]])
def test_nothing_is_broadcast(cls: Any, verb: str, slices: Any) -> None:
    shapes = ((1,), (3,)) if slices is None else ((3,), (3,))
    with pytest.raises(ConfigError, match=rf"cannot {verb} \[\(1,\), \(3,\)\], the shapes after slicing: they must be"):
        cls.output_shape(shapes, {"dim": 1, "slices": slices})


@pytest.mark.parametrize("cls", MERGES)
@pytest.mark.parametrize(
    ("dim", "slices", "message"),
    [
        (1, [(0, 4), (0, 4)], r"with slices \[\(0, 4\), \(0, 4\)\] along dim 1"),
        (2, [(0, 1), (0, 1)], "shapes .* along dim 2"),
        (0, [(0, 1), (0, 1)], "along dim 0, the batch"),
    ],
)
def test_a_slice_beyond_its_input_is_refused(cls: Any, dim: int, slices: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=f"cannot .* {message}"):
        cls.output_shape(((3,), (3,)), {"dim": dim, "slices": slices})


@pytest.mark.parametrize("cls", MERGES)
def test_only_slices_need_one_dim(cls: Any) -> None:
    whole = ({"name": "a", "dim": 2}, {"name": "b", "slice": [0, 1], "dim": 1})
    assert cls.from_context(BuildContext(sources=whole)) == {"slices": [None, [0, 1]], "dim": 1}
    both = ({"name": "a", "slice": [0, 1], "dim": 2}, {"name": "b", "slice": [0, 1], "dim": 1})
    with pytest.raises(ConfigError, match=r"all slices must have the same dim, got \[2, 1\]"):
        cls.from_context(BuildContext(sources=both))


@pytest.mark.parametrize("names", [[], ["a"], ["a", "b", "c"]])
def test_a_difference_is_one_of_two(names: list[str]) -> None:
    with pytest.raises(ConfigError, match=f"needs exactly two inputs, got {len(names)}"):
        SubtractMergeModule(names)


def test_a_sum_does_not_write_into_its_inputs() -> None:
    inputs = [torch.ones(1, 2) for _ in range(3)]
    AddMergeModule(["a", "b", "c"]).compute(*inputs)
    assert all(x.tolist() == [[1, 1]] for x in inputs)
