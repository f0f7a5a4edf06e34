from __future__ import annotations

import pytest
import torch

from legacy.layers.linear import Linear
from tests.legacy._build import Source, build, run

VECTOR = Source("x", torch.ones(2, 4))


def test_all_of_nn_params_goes_to_torch() -> None:
    layer = build(Linear, VECTOR, nn_params={"out_features": 3, "bias": False}, nonlinearity=None, clip_range=0)
    assert list(layer.state_dict()) == ["_net.weight"]
    assert layer._out_tensor_shape == [3]
    assert torch.equal(run(layer), torch.nn.functional.linear(VECTOR.value, layer._net.weight))


def test_its_source_must_be_a_vector() -> None:
    message = r"^_input_tensor_shape for Linear should be 1d \(ignoring batch dimension\)"
    with pytest.raises(AssertionError, match=message):
        build(Linear, Source("x", torch.ones(2, 4, 4)), nn_params={"out_features": 3}, clip_range=0)


def test_a_plain_dict_has_no_attributes() -> None:
    layer = Linear(name="n", nn_params={"out_features": 3}, clip_range=0)
    with pytest.raises(AttributeError, match="'dict' object has no attribute 'out_features'"):
        layer.setup({"x": VECTOR})
