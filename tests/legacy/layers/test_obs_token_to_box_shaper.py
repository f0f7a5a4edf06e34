from __future__ import annotations

import warnings
from typing import Any

import pytest
import torch
from tensordict import TensorDict
from torch import Tensor

from legacy.layers.obs_token_to_box_shaper import (
    ObsTokenToBoxShaper,
    ObsTokenToBoxShaper0729,
    ObsTokenToBoxShaper0808,
    ObsTokenToBoxShaperE5e,
    ObsTokenToBoxShaperE8,
)
from tests.legacy._build import build

# Window 3 wide, 2 high, features 0 and 1.
PADDING = [255, 255, 255]
WARNING = r"Found observation attribute indices \[2, 7\] >= num_layers \(2\)"


def shaper(cls: type[ObsTokenToBoxShaper], divisors: Any = None) -> Any:
    if divisors is None:
        divisors = [1.0, 1.0] if cls is ObsTokenToBoxShaper else {0: 1.0, 1: 1.0}
    layer = cls(name="tested", obs_shape=[4, 3], obs_width=3, obs_height=2, feature_normalizations=divisors)
    layer.setup()
    return layer


def box(layer: Any, *tokens: list[int]) -> Tensor:
    rows = torch.tensor([tokens], dtype=torch.uint8)
    is_old = not isinstance(layer, ObsTokenToBoxShaperE8)
    td: Any = {"x": rows} if is_old else TensorDict({"env_obs": rows}, batch_size=[1])
    output: Tensor = layer(td)["tested"][0]
    return output


def test_a_value_lands_at_its_feature_row_and_column_and_padding_nowhere() -> None:
    result = box(shaper(ObsTokenToBoxShaper), [2 * 16 + 1, 1, 200], PADDING)
    assert result.shape == (2, 3, 2)
    assert result[1, 2, 1] == 200
    assert result.sum() == 200


def test_the_last_of_two_tokens_for_one_place_wins() -> None:
    assert box(shaper(ObsTokenToBoxShaper), [0, 0, 5], [0, 0, 3])[0, 0, 0] == 3


def test_batch_and_time_are_joined_and_noted() -> None:
    td: dict[str, Any] = {"x": torch.full((2, 3, 4, 3), 255, dtype=torch.uint8)}
    assert shaper(ObsTokenToBoxShaper)(td)["tested"].shape == (6, 2, 3, 2)
    assert (td["_batch_size_"], td["_TT_"], td["_BxTT_"]) == (2, 3, 6)


def test_rows_are_bounded_by_the_width_and_columns_by_the_height() -> None:
    with pytest.raises(IndexError, match="index 2 is out of bounds for dimension 3 with size 2"):
        box(shaper(ObsTokenToBoxShaper), [2, 0, 5])
    with pytest.raises(IndexError, match="index 3 is out of bounds for dimension 2 with size 3"):
        box(shaper(ObsTokenToBoxShaper), [3 * 16, 0, 5])


def test_tokens_that_are_no_triples_are_refused() -> None:
    with pytest.raises(AssertionError, match="expected 3 numbers per token, got 2"):
        box(shaper(ObsTokenToBoxShaper), [0, 0])


def test_features_were_counted_until_they_had_numbers() -> None:
    assert shaper(ObsTokenToBoxShaper, [1.0, 1.0])._out_tensor_shape == [2, 3, 2]
    assert shaper(ObsTokenToBoxShaperE5e, {0: 1.0, 4: 1.0})._out_tensor_shape == [5, 3, 2]


def test_unknown_features_were_an_error_and_are_dropped_with_a_warning() -> None:
    tokens = ([0, 7, 5], [0, 2, 5], [0, 1, 6], PADDING)
    with pytest.raises(IndexError, match="index 7 is out of bounds for dimension 1 with size 2"):
        box(shaper(ObsTokenToBoxShaperE5e), *tokens)
    for cls in (ObsTokenToBoxShaper0729, ObsTokenToBoxShaperE8, ObsTokenToBoxShaper0808):
        with pytest.warns(UserWarning, match=WARNING):
            result = box(shaper(cls), *tokens)
        assert result[1, 0, 0] == result.sum() == 6


def test_known_features_and_padding_are_no_reason_to_warn() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        box(shaper(ObsTokenToBoxShaper0808), [0, 1, 6], PADDING)


def test_padding_erases_feature_0_at_the_first_cell_since_the_flat_index() -> None:
    assert box(shaper(ObsTokenToBoxShaperE8), [0, 0, 5], PADDING)[0, 0, 0] == 5
    assert box(shaper(ObsTokenToBoxShaper0808), [0, 0, 5], PADDING)[0, 0, 0] == 0
    assert box(shaper(ObsTokenToBoxShaper0808), PADDING, [0, 0, 5])[0, 0, 0] == 5


def test_what_is_beyond_the_window_is_another_place_since_the_flat_index() -> None:
    assert box(shaper(ObsTokenToBoxShaper0808), [2, 0, 5])[0, 1, 0] == 5
    assert box(shaper(ObsTokenToBoxShaper0808), [3 * 16, 0, 5])[1, 0, 0] == 5
    with pytest.raises(RuntimeError, match="out of bounds"):
        box(shaper(ObsTokenToBoxShaper0808), [3 * 16, 1, 5])


def test_the_trainer_finds_the_shape_of_observations() -> None:
    assert build(
        ObsTokenToBoxShaperE5e, obs_shape=[4, 3], obs_width=3, obs_height=2, feature_normalizations={0: 1.0}
    )._obs_shape == [4, 3]
