from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from modules.base import BuildContext
from modules.errors import ConfigError
from modules.layers.concat_merge import ConcatMergeModule


@st.composite
def merges(draw: st.DrawFn) -> tuple[list[tuple[int, ...]], int, list[tuple[int, int] | None]]:
    """Input shapes that differ along `dim` only, `dim`, and slices."""
    rank = draw(st.integers(1, 3))
    dim = draw(st.sampled_from([*range(1, rank + 1), *range(-rank, 0)]))
    axis = dim - 1 if dim > 0 else dim
    shape = draw(st.lists(st.integers(1, 4), min_size=rank, max_size=rank))
    shapes, slices = [], []
    for length in draw(st.lists(st.integers(1, 5), min_size=1, max_size=3)):
        shape[axis] = length
        shapes.append(tuple(shape))
        start = draw(st.integers(0, length - 1))
        slices.append(draw(st.sampled_from([None, (start, draw(st.integers(start + 1, length)))])))
    return shapes, dim, slices


@given(merges())
def test_the_shape_foretold_is_the_shape_computed(merge: Any) -> None:
    shapes, dim, slices = merge
    module = ConcatMergeModule([f"in{i}" for i in range(len(shapes))], slices=slices, dim=dim)
    result = module.compute(*[torch.zeros(2, *shape) for shape in shapes])
    assert module.output_shape(tuple(shapes), {"dim": dim, "slices": slices}) == tuple(result.shape[1:])


def test_inputs_stand_in_order() -> None:
    merge = ConcatMergeModule(["input1", "input2"])
    result = merge({"input2": torch.zeros(3, 7), "input1": torch.ones(3, 5)})
    assert result["merged"].tolist() == [[1.0] * 5 + [0.0] * 7] * 3


@pytest.mark.parametrize("cut", [(2, 2), (3, 1), (-1, 2)])
def test_an_empty_or_negative_slice_is_refused(cut: tuple[int, int]) -> None:
    with pytest.raises(ConfigError, match=r"of input 'a' must be \[start, end\] with 0 <= start < end"):
        ConcatMergeModule(["a"], slices=[cut])


def test_each_input_needs_its_slice() -> None:
    with pytest.raises(ConfigError, match="got 1 slices for 2 inputs"):
        ConcatMergeModule(["a", "b"], slices=[None])


@pytest.mark.parametrize(
    ("sources", "message"),
    [
        ((), "needs at least one source"),
        (({"name": "a", "dim": 1}, {"name": "b", "dim": 2}), r"all sources must have the same dim, got \[1, 2\]"),
        (({"name": "a", "slice": [0, 1]},), r"source 'a': a slice is \[start, end\] and needs its dim"),
        (({"name": "a", "slice": [0, 1, 2], "dim": 1},), r"source 'a': a slice is \[start, end\]"),
    ],
)
def test_sources_that_cannot_be_joined_are_refused(sources: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        ConcatMergeModule.from_context(BuildContext(sources=sources))


@pytest.mark.parametrize(
    ("shapes", "options", "message"),
    [
        (((3,), (3, 4)), {"dim": 1, "slices": None}, "cannot concatenate shapes"),
        (((3, 4), (3, 5)), {"dim": 1, "slices": None}, "cannot concatenate"),
        (((3,),), {"dim": 2, "slices": None}, "cannot concatenate shapes"),
        (((3,),), {"dim": 0, "slices": None}, "along dim 0, the batch"),
        (((3,),), {"dim": 1, "slices": [(0, 4)]}, "with slices"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(shapes: Any, options: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        ConcatMergeModule.output_shape(shapes, options)
