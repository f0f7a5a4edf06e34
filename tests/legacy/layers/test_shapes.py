"""`Flatten`, `ReLU` and `LayerNorm`: layers of one net and no quirk."""

from __future__ import annotations

import torch

from legacy.layers.flatten import Flatten
from legacy.layers.layer_norm import LayerNorm
from legacy.layers.relu import ReLU
from tests.legacy._build import Source, build, run

IMAGE = Source("image", torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(0)))


def test_flatten_announces_an_int() -> None:
    layer = build(Flatten, IMAGE)
    assert (layer._out_tensor_shape, type(layer._out_tensor_shape[0])) == ([60], int)
    assert run(layer).shape == (2, 60)


def test_relu_keeps_the_shape_in_a_list_of_its_own() -> None:
    layer = build(ReLU, IMAGE)
    assert layer._out_tensor_shape == [3, 4, 5]
    assert layer._out_tensor_shape is not layer._in_tensor_shapes[0]
    assert torch.equal(run(layer), IMAGE.value.relu())


def test_layer_norm_takes_the_first_size_and_all_its_parameters() -> None:
    vector = Source("x", torch.randn(2, 3, generator=torch.Generator().manual_seed(0)))
    layer = build(LayerNorm, vector, nn_params={"eps": 0.5})
    assert layer._net.eps == 0.5
    assert list(layer.state_dict()) == ["_net.weight", "_net.bias"]
    assert torch.equal(run(layer), torch.nn.functional.layer_norm(vector.value, (3,), eps=0.5))
