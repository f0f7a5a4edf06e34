from __future__ import annotations

from typing import Any

import torch

from legacy.layers.obs_attr_coord_embed import ObsAttrCoordEmbed
from tests.legacy._build import Source

TOKENS = torch.tensor([[[18, 3, 200], [255, 255, 255]]], dtype=torch.uint8)


def embed() -> Any:
    layer = ObsAttrCoordEmbed(name="tested", sources=[{"name": "_obs_"}], attr_embed_dim=4)
    layer.setup({"_obs_": Source("_obs_", TOKENS, [0, 3])})
    return layer


def test_vectors_of_feature_and_cell_are_added_and_the_value_follows() -> None:
    layer = embed()
    result = layer({"_obs_": TOKENS})["tested"]
    assert layer._out_tensor_shape == [0, 5]
    assert torch.equal(result[0, 0, :4], layer._attr_embeds.weight[3] + layer._coord_embeds.weight[18])
    assert result[0, :, 4].tolist() == [200, 255]


def test_padding_has_a_vector_that_is_never_trained() -> None:
    layer = embed()
    layer({"_obs_": TOKENS})["tested"].sum().backward()
    assert layer._attr_embeds.weight[255].any()
    assert not layer._attr_embeds.weight.grad[255].any()
    assert layer._coord_embeds.weight.grad[255].all()


def test_cells_are_drawn_and_registered_first() -> None:
    torch.manual_seed(0)
    layer = embed()
    torch.manual_seed(0)
    first = torch.nn.Embedding(256, 4)
    torch.nn.init.trunc_normal_(first.weight, std=0.02)
    assert next(iter(layer.state_dict())) == "_coord_embeds.weight"
    assert torch.equal(layer._coord_embeds.weight, first.weight)
