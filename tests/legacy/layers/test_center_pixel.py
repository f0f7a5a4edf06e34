from __future__ import annotations

import torch

from legacy.layers.center_pixel import CenterPixelLayer
from tests.legacy._build import Source, build, run


def test_the_middle_cell_is_taken_as_a_view() -> None:
    image = Source("x", torch.arange(2 * 3 * 4 * 5.0).view(2, 3, 4, 5))
    layer = build(CenterPixelLayer, image)
    output = run(layer)
    assert layer._out_tensor_shape == [3]
    assert torch.equal(output, image.value[:, :, 2, 2])
    assert output.untyped_storage().data_ptr() == image.value.untyped_storage().data_ptr()


def test_a_second_setup_does_nothing() -> None:
    layer = build(CenterPixelLayer, Source("x", torch.zeros(1, 3, 4, 5)))
    layer.setup({})
    assert layer.ready
    assert layer._out_tensor_shape == [3]
