"""The pooling layers, which take the number of channels for a size."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.nn import functional as F

from legacy.layers.adaptive_avg_pool1d import AdaptiveAvgPool1d
from legacy.layers.adaptive_avg_pool2d import AdaptiveAvgPool2d
from legacy.layers.adaptive_max_pool1d import AdaptiveMaxPool1d
from legacy.layers.adaptive_max_pool2d import AdaptiveMaxPool2d
from legacy.layers.avg_pool1d import AvgPool1d
from legacy.layers.avg_pool2d import AvgPool2d
from legacy.layers.max_pool1d import MaxPool1d
from legacy.layers.max_pool2d import MaxPool2d
from tests.legacy._build import Source, build, run

SEQUENCE = Source("sequence", torch.randn(2, 3, 7, generator=torch.Generator().manual_seed(0)))
IMAGE = Source("image", torch.randn(2, 3, 7, 10, generator=torch.Generator().manual_seed(1)))
POOLS: list[tuple[Any, Source, Any]] = [
    (MaxPool1d, SEQUENCE, F.max_pool1d),
    (MaxPool2d, IMAGE, F.max_pool2d),
    (AvgPool1d, SEQUENCE, F.avg_pool1d),
    (AvgPool2d, IMAGE, F.avg_pool2d),
    (AdaptiveAvgPool1d, SEQUENCE, F.adaptive_avg_pool1d),
    (AdaptiveAvgPool2d, IMAGE, F.adaptive_avg_pool2d),
    (AdaptiveMaxPool1d, SEQUENCE, F.adaptive_max_pool1d),
    (AdaptiveMaxPool2d, IMAGE, F.adaptive_max_pool2d),
]


@pytest.mark.parametrize(("cls", "source", "function"), POOLS)
def test_the_number_of_channels_is_the_size_that_torch_is_given(cls: Any, source: Source, function: Any) -> None:
    assert torch.equal(run(build(cls, source)), function(source.value, 3))  # trap 28


@pytest.mark.parametrize(("cls", "source", "_"), POOLS)
def test_the_shape_announced_is_that_of_the_source(cls: Any, source: Source, _: Any) -> None:
    layer = build(cls, source)
    assert layer._out_tensor_shape == list(source.value.shape[1:]) != list(run(layer).shape[1:])  # trap 28
    assert layer._out_tensor_shape is not layer._in_tensor_shapes[0]


@pytest.mark.parametrize(("cls", "source", "function"), POOLS[:4])
def test_nn_params_reach_torch(cls: Any, source: Source, function: Any) -> None:
    params = {"stride": 2, "padding": 1}
    assert torch.equal(run(build(cls, source, nn_params=params)), function(source.value, 3, **params))


@pytest.mark.parametrize(("cls", "source", "function"), POOLS)
def test_a_size_of_its_own_is_a_second_value(cls: Any, source: Source, function: Any) -> None:
    name = "output_size" if "adaptive" in function.__name__ else "kernel_size"
    with pytest.raises(TypeError, match=f"got multiple values for argument '{name}'"):
        build(cls, source, nn_params={name: 2})
