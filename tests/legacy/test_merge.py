from __future__ import annotations

from typing import Any

import pytest
import torch

from legacy.layers.concat_merge import ConcatMergeLayer
from legacy.merge import MergeLayerBase
from tests.legacy._build import Source, build, run

A = Source("a", torch.arange(6.0).view(1, 6))
B = Source("b", torch.arange(4.0).view(1, 4) + 10)


def merge(*entries: dict[str, Any]) -> Any:
    return build(ConcatMergeLayer, A, B, sources=list(entries))


def test_slices_are_written_into_the_callers_sources() -> None:  # trap 16
    layer = merge({"name": "a", "slice": [1, 3], "dim": 1}, {"name": "b"})
    assert layer._sources[0]["_slice_params"] == {"start": 1, "length": 2, "dim": 1}
    assert "_slice_params" not in layer._sources[1]
    assert run(layer).tolist() == [[1, 2, 10, 11, 12, 13]]


def test_there_is_no_cache_check() -> None:
    layer = merge({"name": "a"})
    assert run(layer, tested="stale").tolist() == A.value.tolist()


def test_sources_are_cached_all_the_same() -> None:
    runs = A.runs
    td: dict[str, Any] = {}
    layer = merge({"name": "a"}, {"name": "a"})
    layer(td)
    layer(td)
    assert A.runs == runs + 1


def test_a_source_may_be_listed_twice() -> None:  # trap 56
    layer = merge({"name": "a", "slice": [0, 1], "dim": 1}, {"name": "a", "slice": [5, 6], "dim": 1})
    assert layer._out_tensor_shape == [2]
    assert run(layer).tolist() == [[0, 5]]


@pytest.mark.parametrize("bounds", [[1], [1, 2, 3], "01", 5])
def test_a_slice_has_two_elements(bounds: Any) -> None:
    with pytest.raises(ValueError, match=r"^'slice' must be a two-element list/tuple for source a.$"):
        merge({"name": "a", "slice": bounds, "dim": 1})


@pytest.mark.parametrize("dim", [{}, {"dim": None}])
def test_a_slice_needs_its_dim(dim: dict[str, None]) -> None:
    message = r"^Slice 'dim' must be specified for a. If a vector, use dim=1 \(0 is batch size\).$"
    with pytest.raises(ValueError, match=message):
        merge({"name": "a", "slice": [0, 1], **dim})


def test_a_second_setup_does_nothing() -> None:
    layer = merge({"name": "a"})
    layer.setup({})
    assert layer.ready
    assert layer._out_tensor_shape == [6]


def test_the_base_merges_nothing() -> None:
    with pytest.raises(NotImplementedError):
        build(MergeLayerBase, A)
    with pytest.raises(NotImplementedError):
        MergeLayerBase("merge")._merge([])
