from __future__ import annotations

from typing import Any

import pytest
import torch

from modules.base import BuildContext
from modules.errors import ConfigError
from modules.layers.obs_token_cat import ObsTokenCatModule

TOKENS = torch.tensor([[[0xA5, 3, 7], [0x21, 0, 7], [255, 255, 255]]], dtype=torch.uint8)


def shaper(**options: Any) -> ObsTokenCatModule:
    return ObsTokenCatModule(3, 5, 2, feature_normalizations=(10.0,), feature_ids=(3,), **options)


def test_a_token_is_two_embeddings_and_its_divided_value_side_by_side() -> None:
    layer = shaper()
    expected = [layer.attribute_weight[3], layer.cell_weight[5 * 16 + 10], torch.tensor([7 / 10])]
    assert torch.equal(layer({"x": TOKENS})["output"][0, 0], torch.cat(expected))
    assert layer.output_shape((), {"num_tokens": 3, "embed_dim": 5, "cell_embed_dim": 2}) == (3, 8)


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
    ],
)
def test_what_cannot_be_is_refused(options: dict[str, Any], message: str) -> None:
    arguments = {"num_tokens": 3, "embed_dim": 5, "cell_embed_dim": 2, "feature_normalizations": (10.0,), **options}
    with pytest.raises(ConfigError, match=message):
        ObsTokenCatModule(**arguments)


def test_the_environment_must_give_tokens_and_nothing_else_is_read() -> None:
    with pytest.raises(ConfigError, match=r"^needs observations that are tokens, \(M, 3\), got \(11, 11, 4\)$"):
        ObsTokenCatModule.from_context(BuildContext(obs_shape=(11, 11, 4)))
    with pytest.raises(ConfigError, match=r"^reads the observation and takes no sources, got 1$"):
        ObsTokenCatModule.from_context(BuildContext(in_shapes=((3,),), obs_shape=(5, 3)))
