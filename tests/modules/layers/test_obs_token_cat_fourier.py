from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from modules.base import BuildContext
from modules.errors import ConfigError
from modules.layers.obs_token_cat_fourier import ObsTokenCatFourierModule

TOKENS = torch.tensor([[[0xA5, 3, 7], [0x21, 0, 7], [255, 255, 255]]], dtype=torch.uint8)


def shaper(**options: Any) -> ObsTokenCatFourierModule:
    return ObsTokenCatFourierModule(3, 5, feature_normalizations=(10.0,), feature_ids=(3,), **options)


def test_a_token_is_its_embedding_waves_over_its_cell_and_its_divided_value() -> None:
    layer = shaper(num_freqs=2)
    output = layer({"x": TOKENS})["output"]
    assert torch.equal(output[0, 0, :5], layer.attribute_weight[3])
    # cos and sin of the first coordinate, then of the second, each times 1 and 2; cell 10 of 11 is at 1, cell 5 at 0.
    waves = [math.cos(1), math.cos(2), math.sin(1), math.sin(2), 1, 1, 0, 0]
    torch.testing.assert_close(output[0, 0, 5:], torch.tensor([*waves, 7 / 10]))
    assert layer.output_shape((), {"num_tokens": 3, "embed_dim": 5, "num_freqs": 2}) == (3, 14)
    assert layer.output_shape((), {"num_tokens": 3, "embed_dim": 5}) == (3, 18)


def test_coordinates_are_scaled_for_the_cells_along_a_side() -> None:
    output = shaper(num_freqs=1, cells=16)({"x": torch.tensor([[[0xF0, 3, 7]]], dtype=torch.uint8)})["output"]
    torch.testing.assert_close(
        output[0, 0, 5:9],
        torch.tensor([1.0, 1, -1, -1])
        .cos()
        .where(torch.tensor([True, False, True, False]), torch.tensor([1.0, 1, -1, -1]).sin()),
    )


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
        ({"cells": 1}, "^cells must be an integer from 2 to 16, got 1$"),
        ({"num_freqs": 0}, "^num_freqs must be a positive integer, got 0$"),
    ],
)
def test_what_cannot_be_is_refused(options: dict[str, Any], message: str) -> None:
    arguments = {"num_tokens": 3, "embed_dim": 5, "feature_normalizations": (10.0,), **options}
    with pytest.raises(ConfigError, match=message):
        ObsTokenCatFourierModule(**arguments)


def test_the_environment_must_give_tokens_and_nothing_else_is_read() -> None:
    with pytest.raises(ConfigError, match=r"^needs observations that are tokens, \(M, 3\), got \(11, 11, 4\)$"):
        ObsTokenCatFourierModule.from_context(BuildContext(obs_shape=(11, 11, 4)))
    with pytest.raises(ConfigError, match=r"^reads the observation and takes no sources, got 1$"):
        ObsTokenCatFourierModule.from_context(BuildContext(in_shapes=((3,),), obs_shape=(5, 3)))
