from __future__ import annotations

from typing import Any

import pytest
import torch

from legacy.layers.obs_token_rope import ObsTokenRoPE
from tests.legacy._build import build


def shaper(width: int = 8, **config: Any) -> Any:
    return build(ObsTokenRoPE, obs_shape=[3, 3], atr_embed_dim=width, feature_normalizations={3: 10.0}, **config)


def rows(*cells: int, feature: int = 3) -> torch.Tensor:
    return torch.tensor([[[cell, feature, 7] for cell in cells]], dtype=torch.uint8)


def test_cell_0_leaves_the_embedding_as_it_is() -> None:
    layer = shaper()
    output = layer({"x": rows(0)})["tested"]
    assert torch.equal(output[0, 0], torch.cat([layer._atr_embeds.weight[3], torch.tensor([7 / 10])]))
    assert layer._out_tensor_shape == [3, 9]


def test_each_half_turns_with_its_coordinate_and_keeps_its_length() -> None:
    layer = shaper()
    still, by_x, by_y = layer({"x": rows(0, 0x50, 0x05)})["tested"][0, :, :8]
    assert torch.equal(by_x[4:], still[4:])
    assert torch.equal(by_y[:4], still[:4])
    assert not torch.allclose(by_x[:4], still[:4])
    torch.testing.assert_close(by_x[:4].norm(), still[:4].norm())
    torch.testing.assert_close(by_y[4:].norm(), still[4:].norm())


def test_frequencies_fall_with_the_base() -> None:
    torch.testing.assert_close(shaper(rope_base=16.0).inv_freq, torch.tensor([1.0, 0.25]))


def test_a_width_that_4_does_not_divide_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^atr_embed_dim must be divisible by 4 for RoPE, but got 6$"):
        shaper(6)


def test_the_mask_is_of_feature_0_and_not_of_padding() -> None:  # trap 35
    assert shaper()({"x": rows(1, feature=0)})["obs_mask"].tolist() == [[True]]
    assert shaper()({"x": rows(255, feature=255)})["obs_mask"].tolist() == [[False]]
