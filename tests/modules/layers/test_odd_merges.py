"""`ExpandModule`, `ReshapeModule` and `BatchReshapeModule`: the right behaviour by default, the old one by name."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from modules.base import BuildContext
from modules.errors import ConfigError
from modules.layers.batch_reshape import BatchReshapeModule
from modules.layers.expand import ExpandModule
from modules.layers.reshape import ReshapeModule

SHAPES = st.lists(st.integers(1, 4), min_size=1, max_size=3).map(tuple)


@given(SHAPES, st.data(), st.integers(1, 3))
def test_expand_repeats_along_a_new_dimension(shape: tuple[int, ...], data: Any, copies: int) -> None:
    dim, x = data.draw(st.integers(1, len(shape) + 1)), torch.randn(2, *shape)
    result = ExpandModule(dim, copies).compute(x)
    assert torch.equal(result, torch.stack([x] * copies, dim))
    assert result.is_contiguous()
    assert ExpandModule.output_shape((shape,), {"dim": dim, "copies": copies}) == tuple(result.shape[1:])


@pytest.mark.parametrize(("dim", "copies", "name"), [(0, 2, "dim"), (1, 0, "copies"), (1, None, "copies")])
def test_expand_takes_positive_numbers(dim: int, copies: Any, name: str) -> None:
    with pytest.raises(ConfigError, match=f"^{name} must be a positive integer"):
        ExpandModule(dim, copies)


def test_expand_knows_how_many_dimensions_there_are() -> None:
    with pytest.raises(ConfigError, match=r"^dim 4 is beyond the source's shape \(2, 3\); at most 3$"):
        ExpandModule.output_shape(((2, 3),), {"dim": 4, "copies": 2})


@given(SHAPES, st.data())
def test_reshape_gives_the_size_of_one_dimension_to_the_other(shape: tuple[int, ...], data: Any) -> None:
    popped = data.draw(st.integers(1, len(shape)))
    squeezed = data.draw(st.integers(0, len(shape)).filter(lambda dim: dim != popped))
    x = torch.randn(2, *shape)
    result = ReshapeModule(popped, squeezed).compute(x)
    sizes = list(x.shape)
    sizes[squeezed] *= sizes[popped]
    del sizes[popped]
    assert torch.equal(result, x.reshape(sizes))
    options = {"popped_dim": popped, "squeezed_dim": squeezed}
    assert ReshapeModule.output_shape((shape,), options) == tuple(result.shape[1:])


def test_reshape_takes_an_input_that_is_no_block_of_memory() -> None:
    x = torch.arange(24).view(2, 3, 4).transpose(1, 2)
    assert torch.equal(ReshapeModule(2, 1).compute(x), x.flatten(1))


def test_reshape_writes_one_further_on_where_it_is_to_do_as_the_old_stack() -> None:  # trap 29
    x = torch.randn(5, 2, 3, 3)
    old = ReshapeModule(1, 2, written_to="index_after_popping")
    assert old.compute(x).shape == (5, 3, 6)
    assert ReshapeModule(1, 2).compute(x).shape == (5, 6, 3)
    options = {"popped_dim": 1, "squeezed_dim": 2, "written_to": "index_after_popping"}
    assert ReshapeModule.output_shape(((2, 3, 3),), options) == (6, 3)  # which components behind it were built for


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"popped_dim": 0, "squeezed_dim": 1}, "popped_dim must be a positive integer, got 0"),
        ({"popped_dim": 1, "squeezed_dim": -1}, "squeezed_dim must be a positive integer, got -1"),
        (
            {"popped_dim": 1, "squeezed_dim": 1},
            "squeezed_dim must be another dimension than popped_dim, got 1 for both",
        ),
        (
            {"popped_dim": 1, "squeezed_dim": 2, "written_to": "x"},
            "written_to must be squeezed_dim or index_after_popping, got 'x'",
        ),
    ],
)
def test_reshape_refuses(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=f"^{message}$"):
        ReshapeModule(**options)


def test_reshape_knows_how_many_dimensions_there_are() -> None:
    with pytest.raises(ConfigError, match=r"^dim 3 is beyond the source's shape \(2, 3\)$"):
        ReshapeModule.output_shape(((2, 3),), {"popped_dim": 1, "squeezed_dim": 3})


@given(st.integers(1, 4), st.integers(1, 3), SHAPES)
def test_batch_reshape_parts_rows_by_the_number_of_observations(n: int, k: int, shape: tuple[int, ...]) -> None:
    rows, x = torch.randn(n * k, *shape), torch.zeros(n, 2)
    result = BatchReshapeModule()({"input": rows, "x": x})["output"]
    assert torch.equal(result, rows.view(n, k, *shape))
    assert BatchReshapeModule.output_shape((shape,), {}) == (0, *shape)


@pytest.mark.parametrize(
    ("n", "rows", "expected"), [(2, (6, 4), (2, 3, 4)), (6, (6, 1, 4), (6, 4)), (1, (3, 4), (3, 4))]
)
def test_batch_reshape_loses_dimensions_of_size_1_where_it_is_to_do_as_the_old_stack(
    n: int, rows: tuple[int, ...], expected: tuple[int, ...]
) -> None:  # trap 29
    module = BatchReshapeModule(squeezes=True, announces="input")
    assert module.compute(torch.zeros(rows), torch.zeros(n, 2)).shape == expected
    assert module.output_shape((rows[1:],), {"announces": "input"}) == rows[1:]


def test_batch_reshape_refuses_another_announcement() -> None:
    with pytest.raises(ConfigError, match=r"^announces must be input or output, got 'x'$"):
        BatchReshapeModule(announces="x")


@pytest.mark.parametrize("cls", [ExpandModule, ReshapeModule, BatchReshapeModule])
def test_there_is_one_source(cls: Any) -> None:
    assert cls.from_context(BuildContext(in_shapes=((2, 3),))) == {}
    with pytest.raises(ConfigError, match="needs exactly one source, got 2"):
        cls.from_context(BuildContext(in_shapes=((2,), (2,))))
