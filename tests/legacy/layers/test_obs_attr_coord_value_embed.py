from __future__ import annotations

from typing import Any

import torch

from legacy.layers.obs_attr_coord_value_embed import ObsAttrCoordValueEmbed
from tests.legacy._build import Source

TOKENS = torch.tensor([[[18, 3, 200], [255, 255, 255]]], dtype=torch.uint8)


def embed() -> Any:
    layer = ObsAttrCoordValueEmbed(name="tested", sources=[{"name": "_obs_"}], attr_embed_dim=4)
    layer.setup({"_obs_": Source("_obs_", TOKENS, [0, 3])})
    return layer


def test_vectors_of_feature_cell_and_value_are_added() -> None:
    layer = embed()
    result = layer({"_obs_": TOKENS})["tested"]
    weights = (layer._attr_embeds.weight[3], layer._coord_embeds.weight[18], layer._val_embeds.weight[200])
    assert layer._out_tensor_shape == [0, 4]
    assert torch.equal(result[0, 0], weights[0] + weights[1] + weights[2])


def test_values_beyond_a_byte_count_as_the_last_ones() -> None:
    layer = embed()
    wide = torch.tensor([[[18, 3, 300], [18, 3, -5]]])
    near = torch.tensor([[[18, 3, 255], [18, 3, 0]]])
    assert torch.equal(layer({"_obs_": wide})["tested"], layer({"_obs_": near})["tested"])


def test_padding_has_a_vector_that_is_never_trained() -> None:
    layer = embed()
    layer({"_obs_": TOKENS})["tested"].sum().backward()
    assert layer._attr_embeds.weight[255].any()
    assert not layer._attr_embeds.weight.grad[255].any()


def test_features_are_registered_first_then_cells_then_values() -> None:
    assert list(embed().state_dict()) == ["_attr_embeds.weight", "_coord_embeds.weight", "_val_embeds.weight"]
