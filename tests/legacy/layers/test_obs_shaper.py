from __future__ import annotations

from typing import Any

import pytest
import torch

from legacy.layers.obs_shaper import ObsShaper
from tests.legacy._build import OBS_SHAPE, build, observations


def shaper(**config: Any) -> Any:
    return build(ObsShaper, obs_shape=list(OBS_SHAPE), **config)


@pytest.mark.parametrize("leading", [(5,), (2, 3)])
def test_batch_and_time_are_joined_and_channels_come_first(leading: tuple[int, ...]) -> None:
    x = observations(*leading)
    td: dict[str, Any] = {"x": x}
    output = shaper()(td)["tested"]
    assert torch.equal(output, x.reshape(-1, *OBS_SHAPE).float().permute(0, 3, 1, 2))
    assert (td["_batch_size_"], td["_TT_"], td["_BxTT_"]) == (leading[0], (*leading, 1)[1], output.shape[0])


def test_the_result_is_channels_last_in_memory() -> None:
    output = shaper()({"x": observations(5)})["tested"]
    assert not output.is_contiguous()
    assert output.is_contiguous(memory_format=torch.channels_last)


def test_it_announces_channels_first_and_keeps_what_the_trainer_reads() -> None:
    layer = shaper(num_objects=2)
    assert layer._out_tensor_shape == [2, 3, 4]
    assert layer._obs_shape == list(OBS_SHAPE)
    assert layer._output_size == 2


def test_other_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^Shape mismatch error: "):
        shaper()({"x": torch.zeros(5, 4, 3, 2)})


def test_other_numbers_of_dimensions_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^Invalid input tensor dimensionality: "):
        shaper()({"x": observations(1, 2, 3)})
