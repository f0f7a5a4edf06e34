from __future__ import annotations

from typing import Any

import torch

from legacy.layers.obs_attr_embed_fourier import ObsAttrEmbedFourier
from tests.legacy._build import Source

TOKENS = torch.tensor([[[7 * 16 + 2, 3, 200], [255, 255, 255]]], dtype=torch.uint8)


def embed(**options: Any) -> Any:
    layer = ObsAttrEmbedFourier(name="tested", sources=[{"name": "_obs_"}], attr_embed_dim=4, **options)
    layer.setup({"_obs_": Source("_obs_", TOKENS, [0, 3])})
    return layer


def test_feature_waves_of_row_and_column_and_value_follow_each_other() -> None:
    layer = embed(num_freqs=2)
    result = layer({"_obs_": TOKENS})["tested"][0, 0]
    frequencies = torch.tensor([1.0, 2.0])
    row, column = 0.4 * frequencies, -0.6 * frequencies
    waves = torch.cat([row.cos(), row.sin(), column.cos(), column.sin()])
    assert torch.equal(result[:4], layer._attr_embeds.weight[3])
    torch.testing.assert_close(result[4:12], waves)
    assert result[12] == 200


def test_padding_lies_beyond_the_window_and_has_a_vector() -> None:
    layer = embed(num_freqs=1)
    result = layer({"_obs_": TOKENS})["tested"][0, 1]
    torch.testing.assert_close(result[4], torch.tensor(2.0).cos())
    assert layer._attr_embeds.weight[255].any()


def test_there_are_three_frequencies_unless_it_is_said_otherwise() -> None:
    assert embed().frequencies.tolist() == [1, 2, 4]
    assert embed()._out_tensor_shape == [0, 4 + 12 + 1]
