from __future__ import annotations

from typing import Any

import pytest
import torch

from legacy.layers.conv2d import Conv2d
from tests.legacy._build import Source, build, run

IMAGE = Source("image", torch.ones(2, 3, 7, 9))


def conv(**params: Any) -> Any:
    return build(Conv2d, IMAGE, clip_range=0, nn_params={"out_channels": 4, "kernel_size": 3, "stride": 2, **params})


@pytest.mark.parametrize(("params", "size"), [({}, [3, 4]), ({"padding": 1}, [4, 5]), ({"stride": 1}, [5, 7])])
def test_the_shape_it_announces_is_the_shape_it_gives(params: dict[str, int], size: list[int]) -> None:
    layer = conv(**params)
    assert layer._out_tensor_shape == [4, *size]
    assert list(run(layer).shape) == [2, 4, *size]


@pytest.mark.parametrize("params", [{}, {"padding": None}])
def test_a_missing_padding_is_written_into_the_config(params: dict[str, None]) -> None:  # trap 27
    assert conv(**params)._nn_params["padding"] == 0


def test_sizes_that_do_not_divide_are_refused() -> None:
    message = "^CNN tested output dimensions must be integers. Adjust padding or kernel size.$"
    with pytest.raises(ValueError, match=message):
        conv(kernel_size=4)


def test_dilation_is_not_in_the_formula() -> None:
    layer = conv(dilation=2)
    assert layer._out_tensor_shape[1:] != list(run(layer).shape[2:])


def test_its_source_must_be_an_image() -> None:
    params = {"out_channels": 4, "kernel_size": 3, "stride": 1}
    with pytest.raises(AssertionError, match=r"^Conv2d input tensor shape must be 3d \(ignoring batch dimension\)"):
        build(Conv2d, Source("x", torch.ones(1, 7)), nn_params=params, clip_range=0)


def test_parameters_must_be_attributes_too() -> None:
    layer = Conv2d(name="n", nn_params={"out_channels": 4, "kernel_size": 3, "stride": 1}, clip_range=0)
    with pytest.raises(AttributeError, match="'dict' object has no attribute"):
        layer.setup({"image": IMAGE})


def test_the_stride_is_required() -> None:
    with pytest.raises(AttributeError, match="stride"):
        build(Conv2d, IMAGE, clip_range=0, nn_params={"out_channels": 4, "kernel_size": 3, "padding": 0})
