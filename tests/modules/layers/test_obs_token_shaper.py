from __future__ import annotations

from typing import Any

import pytest
import torch

from modules.base import BuildContext
from modules.errors import ConfigError
from modules.layers.obs_token_shaper import ObsTokenShaperModule

TOKENS = torch.tensor([[[0x12, 3, 7], [0x21, 0, 7], [255, 255, 255]]], dtype=torch.uint8)


def shaper(**options: Any) -> ObsTokenShaperModule:
    return ObsTokenShaperModule(3, 5, (10.0,), feature_ids=(3,), **options)


def test_a_token_is_the_sum_of_two_embeddings_and_its_divided_value() -> None:
    layer = shaper()
    output = layer({"x": TOKENS})["output"]
    assert torch.equal(output[0, 0, :5], layer.attribute_weight[3] + layer.cell_weight[2 * 16 + 1])
    assert output[0, 0, 5] == 7 / 10
    assert output[0, 1, 5] == 7
    assert ObsTokenShaperModule.output_shape((), {"num_tokens": 3, "embed_dim": 5}) == (3, 6)


@pytest.mark.parametrize(
    ("mask", "masked"), [("padding", [False, False, True]), ("attribute_zero", [False, True, False])]
)
def test_padding_is_masked_unless_feature_0_is(mask: str, masked: list[bool]) -> None:
    assert shaper(mask=mask)({"x": TOKENS})["obs_mask"].tolist() == [masked]


@pytest.mark.parametrize("zero_padding", [True, False])
def test_the_row_of_padding_starts_at_zero_if_wanted_and_gets_no_gradient(zero_padding: bool) -> None:
    layer = shaper(zero_padding=zero_padding)
    assert bool((layer.attribute_weight[255] == 0).all()) is zero_padding
    layer({"x": TOKENS})["output"].sum().backward()
    gradient = layer.attribute_weight.grad
    assert gradient is not None
    assert gradient.abs().sum(1).nonzero().flatten().tolist() == [0, 3]


def test_values_may_stay_as_they_are() -> None:
    layer = shaper(normalize=False)
    assert layer({"x": TOKENS})["output"][0, 0, 5] == 7
    assert "divisors" not in layer.state_dict()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mask": "zeros"}, "^mask must be padding or attribute_zero, got 'zeros'$"),
        ({"padding_row": 256}, "^padding_row must be a row of 256, got 256$"),
        ({"embed_dim": 0}, "^embed_dim must be a positive integer, got 0$"),
        ({"feature_ids": (256,)}, r"^needs one number from 0 to 255 per divisor, got \[256\] for 1 divisors$"),
        ({"feature_ids": (1, 2)}, r"^needs one number from 0 to 255 per divisor, got \[1, 2\] for 1 divisors$"),
    ],
)
def test_what_cannot_be_is_refused(options: dict[str, Any], message: str) -> None:
    arguments = {"num_tokens": 3, "embed_dim": 5, "feature_normalizations": (10.0,), **options}
    with pytest.raises(ConfigError, match=message):
        ObsTokenShaperModule(**arguments)


def test_the_environment_must_give_tokens_and_nothing_else_is_read() -> None:
    with pytest.raises(ConfigError, match=r"^needs observations that are tokens, \(M, 3\), got \(11, 11, 4\)$"):
        ObsTokenShaperModule.from_context(BuildContext(obs_shape=(11, 11, 4)))
    with pytest.raises(ConfigError, match=r"^reads the observation and takes no sources, got 1$"):
        ObsTokenShaperModule.from_context(BuildContext(in_shapes=((3,),), obs_shape=(5, 3)))
