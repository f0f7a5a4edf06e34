"""`Bilinear`, `Embedding` and `Identity`."""

from __future__ import annotations

import pytest
import torch

from legacy.layers.bilinear import Bilinear
from legacy.layers.embedding import Embedding
from legacy.layers.identity import Identity
from tests.legacy._build import Source, build, run

LEFT, RIGHT = Source("left", torch.ones(2, 3)), Source("right", torch.ones(2, 4))


def test_a_bilinear_form_writes_its_input_sizes_into_a_plain_dict() -> None:  # trap 27
    layer = build(Bilinear, LEFT, RIGHT, nn_params={"out_features": 5, "bias": False})
    assert layer._nn_params == {"out_features": 5, "bias": False, "in1_features": 3, "in2_features": 4}
    assert type(layer._nn_params) is dict
    assert list(layer.state_dict()) == ["_net.weight"]
    torch.testing.assert_close(run(layer), layer._net.weight.sum((1, 2)).expand(2, 5))


def test_one_source_twice_is_one_source() -> None:  # trap 56
    with pytest.raises(IndexError):
        build(Bilinear, LEFT, sources=[{"name": "left"}, {"name": "left"}], nn_params={"out_features": 5})


def test_an_embedding_gives_rows_and_announces_no_shape_of_its_source() -> None:
    layer = build(Embedding, Source("i", torch.tensor([[[0, 2]]])), nn_params={"num_embeddings": 3, "embedding_dim": 4})
    assert torch.equal(run(layer), layer._net.weight[[0, 2]].view(1, 1, 2, 4))
    assert layer._out_tensor_shape == [0, 4]
    assert layer._net.weight.abs().max().item() == pytest.approx(0.1)


def test_identity_is_the_same_tensor() -> None:
    layer = build(Identity, LEFT)
    assert run(layer) is LEFT.value
    assert layer._out_tensor_shape == [3]
