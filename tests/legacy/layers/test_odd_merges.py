"""`ExpandLayer`, `ReshapeLayer` and `BatchReshapeLayer`, which no config used."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from legacy.layers.batch_reshape import BatchReshapeLayer
from legacy.layers.expand import ExpandLayer
from legacy.layers.reshape import ReshapeLayer
from tests.legacy._build import Source, build, run

X = Source("x", torch.arange(24.0).view(2, 3, 4))
SQUARE = Source("x", torch.arange(36.0).view(2, 2, 3, 3))
Y = Source("y", SQUARE.value)


def test_expand_repeats_along_a_new_dimension_in_memory_of_its_own() -> None:
    layer = build(ExpandLayer, X, expand_dim=2, expand_value=5)
    output = run(layer)
    assert torch.equal(output, torch.stack([X.value] * 5, dim=2))
    assert layer._out_tensor_shape == [3, 5, 4]
    assert output.is_contiguous()


@pytest.mark.parametrize("dim", [0, -1])
def test_expand_refuses_the_batch(dim: int) -> None:
    with pytest.raises(ValueError, match=r"^Expand dim must be greater than 0\. 0 is the batch dimension\.$"):
        build(ExpandLayer, X, expand_dim=dim, expand_value=5)


def test_expand_takes_the_number_of_copies_off_a_second_source() -> None:
    layer = build(ExpandLayer, X, Y, expand_dim=1, source_dim=1, dims_source="y")
    assert run(layer).shape == (2, 2, 3, 4)
    assert layer._out_tensor_shape == [2, 3, 4]


def test_expand_keeps_a_text_among_its_sources_on_which_an_agent_fails() -> None:  # trap 29
    layer = ExpandLayer("tested", 1, [{"name": "x"}], source_dim=1, dims_source="y")
    assert layer._sources == [{"name": "x"}, "y"]


@pytest.mark.parametrize(("popped", "squeezed", "shape"), [(2, 1, (2, 12)), (1, 0, (6, 4)), (2, 0, (8, 3))])
def test_reshape_joins_a_dimension_with_one_before_it(popped: int, squeezed: int, shape: tuple[int, ...]) -> None:
    layer = build(ReshapeLayer, X, popped_dim=popped, squeezed_dim=squeezed)
    assert torch.equal(run(layer), X.value.reshape(shape))
    assert layer._out_tensor_shape == list(shape[1:])


def test_reshape_writes_one_dimension_too_far_where_the_popped_one_stood_in_front() -> None:  # trap 29
    layer = build(ReshapeLayer, SQUARE, popped_dim=1, squeezed_dim=2)
    assert run(layer).shape == (2, 3, 6)
    assert layer._out_tensor_shape == [6, 3]


def test_reshape_fails_where_the_sizes_do_not_fit_by_chance() -> None:  # trap 29
    with pytest.raises(IndexError, match="list assignment index out of range"):
        run(build(ReshapeLayer, X, popped_dim=1, squeezed_dim=2))
    with pytest.raises(RuntimeError, match="is invalid for input of size"):
        run(build(ReshapeLayer, Source("x", torch.zeros(2, 3, 4, 5)), popped_dim=1, squeezed_dim=2))


def test_reshape_announces_no_last_dimension_for_a_batch_that_is_popped() -> None:  # trap 29
    assert build(ReshapeLayer, X, popped_dim=0, squeezed_dim=1)._out_tensor_shape == [3]


def test_batch_reshape_parts_the_rows_of_the_batch() -> None:
    layer = build(BatchReshapeLayer, X)
    with pytest.raises(KeyError, match="_BxTT_"):
        layer({})
    rows = Source("x", torch.arange(24.0).view(6, 4))
    output = run(build(BatchReshapeLayer, rows), _BxTT_=2)
    assert torch.equal(output, rows.value.view(2, 3, 4))


def test_batch_reshape_loses_every_dimension_of_size_1_and_announces_all() -> None:  # trap 29
    layer = build(BatchReshapeLayer, Source("x", torch.zeros(3, 1, 4)))
    assert run(layer, _BxTT_=1).shape == (3, 4)
    assert layer._out_tensor_shape == [1, 4]


@pytest.mark.parametrize(
    "layer",
    [
        build(ExpandLayer, X, expand_dim=1, expand_value=2),
        build(ReshapeLayer, X, popped_dim=2, squeezed_dim=1),
        build(BatchReshapeLayer, X),
    ],
    ids=["expand", "reshape", "batch_reshape"],
)
def test_a_second_setup_does_nothing(layer: Any) -> None:
    before = list(layer._out_tensor_shape)
    layer.setup({})
    assert layer.ready
    assert layer._out_tensor_shape == before
