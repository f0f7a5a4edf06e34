from __future__ import annotations

import pytest
import torch

from modules.base import BuildContext
from modules.errors import ConfigError
from modules.layers.obs_shaper import ObsShaperModule


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int64, torch.float32])
def test_channels_come_first_as_a_view_that_is_channels_last_in_memory(dtype: torch.dtype) -> None:
    x = torch.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5).to(dtype)
    result = ObsShaperModule((3, 4, 5))({"x": x})["output"]
    assert result.dtype == torch.float32
    assert torch.equal(result, x.float().permute(0, 3, 1, 2))
    assert result.is_contiguous(memory_format=torch.channels_last)


def test_a_shape_of_another_rank_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"obs_shape must be \(H, W, F\), got \(3, 4\)"):
        ObsShaperModule((3, 4))


def test_sources_are_refused() -> None:
    with pytest.raises(ConfigError, match="reads the observation and takes no sources, got 1"):
        ObsShaperModule.from_context(BuildContext(in_shapes=((3,),)))
