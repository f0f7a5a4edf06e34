from __future__ import annotations

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from modules.errors import ConfigError
from modules.layers.conv2d import Conv2dModule

SMALL = st.integers(1, 4)


@given(SMALL, SMALL, SMALL, SMALL, st.integers(0, 2), st.integers(1, 9), st.integers(1, 9))
def test_the_shape_foretold_is_the_shape_computed(
    channels: int, outputs: int, kernel: int, stride: int, padding: int, height: int, width: int
) -> None:
    steps = [divmod(side + 2 * padding - kernel, stride) for side in (height, width)]
    assume(all(count >= 0 and rest == 0 for count, rest in steps))
    module = Conv2dModule(channels, outputs, kernel, stride, padding)
    result = module.compute(torch.zeros(2, channels, height, width))
    options = {"out_channels": outputs, "kernel_size": kernel, "stride": stride, "padding": padding}
    assert module.output_shape(((channels, height, width),), options) == tuple(result.shape[1:])


@pytest.mark.parametrize(("side", "kernel"), [(6, 3), (2, 3)])
def test_a_kernel_that_would_drop_pixels_is_refused(side: int, kernel: int) -> None:
    options = {"out_channels": 1, "kernel_size": kernel, "stride": 2}
    with pytest.raises(
        ConfigError, match=r"the kernel does not tile its input: .* adjust padding, kernel_size or stride"
    ):
        Conv2dModule.output_shape(((1, side, side),), options)


@pytest.mark.parametrize("kernel", [2, 3])
def test_the_fast_way_takes_no_images_too(kernel: int) -> None:
    assert Conv2dModule(2, 5, kernel, numerics="fast").compute(torch.ones(0, 2, 3, 3)).shape[:2] == (0, 5)
