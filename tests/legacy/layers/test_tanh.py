from __future__ import annotations

import torch

from legacy.layers.tanh import Tanh
from tests.legacy._build import Source, build, run


def test_tanh_keeps_the_shape_in_a_list_of_its_own() -> None:
    source = Source("x", torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(0)))
    layer = build(Tanh, source)
    assert layer._out_tensor_shape == [3, 4]
    assert layer._out_tensor_shape is not layer._in_tensor_shapes[0]
    assert torch.equal(run(layer), source.value.tanh())
