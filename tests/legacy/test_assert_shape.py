from __future__ import annotations

import pytest
import torch

from legacy.assert_shape import assert_shape


@pytest.mark.parametrize(
    ("shape", "expected", "message"),
    [
        ((2, 3), ("B", 3, 1), "'x' has shape (2, 3) with 2 dimensions. We expected 3 dimensions."),
        ((2, 3), ("B", 4), "'x' dimension 1 has size 3, expected 4"),
        ((0, 3), ("BT", 3), "'x' dimension 0 ('BT') has invalid size 0, expected a positive value"),
    ],
)
def test_what_does_not_fit_is_told(shape: tuple[int, ...], expected: tuple[int | str, ...], message: str) -> None:
    with pytest.raises(ValueError, match=r"\w") as caught:
        assert_shape(torch.zeros(shape), expected, "x")
    assert str(caught.value) == message


def test_a_string_stands_for_any_positive_size() -> None:
    assert_shape(torch.zeros(7, 3), ("B", 3), "x")
