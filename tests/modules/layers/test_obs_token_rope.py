from __future__ import annotations

from typing import Any

import pytest
import torch

from modules.base import BuildContext
from modules.errors import ConfigError
from modules.layers.obs_token_rope import ObsTokenRoPEModule

TOKENS = torch.tensor([[[0xA5, 3, 7], [0x21, 0, 7], [255, 255, 255]]], dtype=torch.uint8)


def shaper(**options: Any) -> ObsTokenRoPEModule:
    return ObsTokenRoPEModule(3, 8, feature_normalizations=(10.0,), feature_ids=(3,), **options)


def at(*cells: int) -> torch.Tensor:
    return torch.tensor([[[cell, 3, 7] for cell in cells]], dtype=torch.uint8)


def test_cell_0_leaves_the_embedding_as_it_is() -> None:
    layer = shaper()
    expected = torch.cat([layer.attribute_weight[3], torch.tensor([7 / 10])])
    assert torch.equal(layer({"x": at(0)})["output"][0, 0], expected)
    assert layer.output_shape((), {"num_tokens": 3, "embed_dim": 8}) == (3, 9)


def test_each_half_turns_with_its_coordinate_and_keeps_its_length() -> None:
    still, by_first, by_second = shaper()({"x": at(0, 0x50, 0x05)})["output"][0, :, :8]
    assert torch.equal(by_first[4:], still[4:])
    assert torch.equal(by_second[:4], still[:4])
    assert not torch.allclose(by_first[:4], still[:4])
    torch.testing.assert_close(by_first[:4].norm(), still[:4].norm())
    torch.testing.assert_close(by_second[4:].norm(), still[4:].norm())


def test_frequencies_fall_with_the_base() -> None:
    torch.testing.assert_close(shaper(rope_base=16.0).frequencies, torch.tensor([1.0, 0.25]))


@pytest.mark.parametrize(
    ("mask", "masked"), [("padding", [False, False, True]), ("attribute_zero", [False, True, False])]
)
def test_padding_is_masked_unless_feature_0_is(mask: str, masked: list[bool]) -> None:
    assert shaper(mask=mask)({"x": TOKENS})["obs_mask"].tolist() == [masked]


@pytest.mark.parametrize("zero_padding", [True, False])
def test_the_row_of_padding_starts_at_zero_if_wanted(zero_padding: bool) -> None:
    assert bool((shaper(zero_padding=zero_padding).attribute_weight[255] == 0).all()) is zero_padding


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mask": "zeros"}, "^mask must be padding or attribute_zero, got 'zeros'$"),
        ({"num_tokens": 0}, "^num_tokens must be a positive integer, got 0$"),
        ({"feature_ids": (256,)}, r"^needs one number from 0 to 255 per divisor, got \[256\] for 1 divisors$"),
        ({"embed_dim": 6}, "^embed_dim must be divisible by 4, got 6$"),
    ],
)
def test_what_cannot_be_is_refused(options: dict[str, Any], message: str) -> None:
    arguments = {"num_tokens": 3, "embed_dim": 8, "feature_normalizations": (10.0,), **options}
    with pytest.raises(ConfigError, match=message):
        ObsTokenRoPEModule(**arguments)


def test_the_environment_must_give_tokens_and_nothing_else_is_read() -> None:
    with pytest.raises(ConfigError, match=r"^needs observations that are tokens, \(M, 3\), got \(11, 11, 4\)$"):
        ObsTokenRoPEModule.from_context(BuildContext(obs_shape=(11, 11, 4)))
    with pytest.raises(ConfigError, match=r"^reads the observation and takes no sources, got 1$"):
        ObsTokenRoPEModule.from_context(BuildContext(in_shapes=((3,),), obs_shape=(5, 3)))
