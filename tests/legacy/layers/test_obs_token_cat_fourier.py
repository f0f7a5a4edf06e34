from __future__ import annotations

import math
from typing import Any

import torch

from legacy.layers.obs_token_cat_fourier import ObsTokenCatFourier
from tests.legacy._build import build

TOKENS = torch.tensor([[[0xA5, 3, 7], [0x21, 0, 7], [255, 255, 255]]], dtype=torch.uint8)


def shaper(**config: Any) -> Any:
    return build(ObsTokenCatFourier, obs_shape=[3, 3], atr_embed_dim=5, feature_normalizations={3: 10.0}, **config)


def test_a_token_is_its_embedding_waves_over_its_cell_and_its_value() -> None:
    layer = shaper(num_freqs=2)
    output = layer({"x": TOKENS})["tested"]
    assert torch.equal(output[0, 0, :5], layer._atr_embeds.weight[3])
    # cos and sin of x, then of y, each times 1 and 2; cell 10 of 11 is at 1, cell 5 at 0.
    waves = [math.cos(1), math.cos(2), math.sin(1), math.sin(2), 1, 1, 0, 0]
    torch.testing.assert_close(output[0, 0, 5:], torch.tensor([*waves, 7 / 10]))
    assert layer._out_tensor_shape == [3, 14]


def test_coordinates_are_scaled_for_11_cells_whatever_the_environment_says() -> None:
    tokens = torch.tensor([[[0xF0, 3, 7]]], dtype=torch.uint8)
    output = shaper(num_freqs=1, obs_width=16, obs_height=16)({"x": tokens})["tested"]
    torch.testing.assert_close(output[0, 0, 5], torch.tensor(2.0).cos())


def test_three_frequencies_are_the_default() -> None:
    assert shaper().frequencies.tolist() == [1, 2, 4]


def test_the_mask_is_of_feature_0_and_not_of_padding() -> None:  # trap 35
    assert shaper()({"x": TOKENS})["obs_mask"].tolist() == [[False, True, False]]
