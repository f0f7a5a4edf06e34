from __future__ import annotations

from typing import Any

import pytest
import torch

from legacy.layers.obs_token_shaper import ObsTokenShaper, ObsTokenShaper0604, ObsTokenShaper0606
from tests.legacy._build import build

TOKENS = torch.tensor([[[0x12, 3, 7], [0x21, 0, 7], [0, 0, 0], [255, 255, 255]]], dtype=torch.uint8)


def shaper(cls: Any = ObsTokenShaper0606, told: Any = (2.0, 4.0, 5.0, 10.0), **config: Any) -> Any:
    return build(cls, obs_shape=[4, 3], atr_embed_dim=5, feature_normalizations=told, **config)


def test_a_token_is_the_sum_of_two_embeddings_and_its_value() -> None:
    layer = shaper()
    output = layer({"x": TOKENS})["tested"]
    expected = layer._atr_embeds.weight[3] + layer._coord_embeds.weight[2 * 16 + 1]
    assert torch.equal(output[0, 0, :5], expected)
    assert output[0, 0, 5] == 7 / 10
    assert layer._out_tensor_shape == [4, 6]


def test_batch_and_time_are_joined() -> None:
    td: dict[str, Any] = {"x": TOKENS.expand(2, 3, 4, 3)}
    assert shaper()(td)["tested"].shape == (6, 4, 6)
    assert (td["_B_"], td["_TT_"], td["_BxTT_"]) == (2, 3, 6)


def test_the_mask_is_of_feature_0_and_not_of_padding() -> None:  # trap 35
    assert shaper()({"x": TOKENS})["obs_mask"].tolist() == [[False, True, True, False]]


@pytest.mark.parametrize(
    ("cls", "rows", "padding"), [(ObsTokenShaper, 257, 0), (ObsTokenShaper0604, 256, 0), (ObsTokenShaper0606, 256, 255)]
)
def test_the_row_of_padding_is_not_zero_and_gets_no_gradient(cls: Any, rows: int, padding: int) -> None:  # trap 36
    layer = shaper(cls)
    weight = layer._atr_embeds.weight
    assert weight.shape == (rows, 5)
    assert (weight[padding] != 0).all()
    assert weight.abs().max() <= 0.1
    layer({"x": torch.full((1, 4, 3), padding, dtype=torch.uint8)})["tested"].sum().backward()
    assert (weight.grad == 0).all()


def test_values_are_not_divided_before_2025_06_04() -> None:
    layer = shaper(ObsTokenShaper)
    assert layer({"x": TOKENS})["tested"][0, 0, 5] == 7
    assert not dict(layer.named_buffers())


def test_divisors_are_counted_in_a_list_and_numbered_in_a_dict() -> None:  # trap 34
    assert shaper(told=[2.0, 4.0])._norm_factors[:3].tolist() == [2, 4, 1]
    assert shaper(told={7: 4.0})._norm_factors[6:9].tolist() == [1, 4, 1]


def test_a_feature_beyond_the_table_is_refused() -> None:
    message = "^Feature normalization 4.0 is out of bounds for Embedding layer size 256$"
    with pytest.raises(ValueError, match=message):
        shaper(told={256: 4.0})
