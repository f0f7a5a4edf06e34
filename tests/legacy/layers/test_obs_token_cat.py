from __future__ import annotations

from typing import Any

import torch

from legacy.layers.obs_token_cat import ObsTokenCat
from tests.legacy._build import build

TOKENS = torch.tensor([[[0x12, 3, 7], [0x21, 0, 7], [255, 255, 255]]], dtype=torch.uint8)


def shaper() -> Any:
    told = {3: 10.0}
    return build(ObsTokenCat, obs_shape=[3, 3], atr_embed_dim=5, coord_embed_dim=2, feature_normalizations=told)


def test_a_token_is_two_embeddings_and_its_value_side_by_side() -> None:
    layer = shaper()
    output = layer({"x": TOKENS})["tested"]
    expected = [layer._atr_embeds.weight[3], layer._coord_embeds.weight[2 * 16 + 1], torch.tensor([7 / 10])]
    assert torch.equal(output[0, 0], torch.cat(expected))
    assert layer._out_tensor_shape == [3, 8]


def test_the_mask_is_of_feature_0_and_not_of_padding() -> None:  # trap 35
    assert shaper()({"x": TOKENS})["obs_mask"].tolist() == [[False, True, False]]


def test_the_row_of_padding_is_not_zero() -> None:  # trap 36
    assert (shaper()._atr_embeds.weight[255] != 0).all()
