from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from modules.base import BuildContext
from modules.errors import ConfigError
from modules.layers.obs_attr_val_norm import ObsAttrValNormModule

TOKENS = torch.tensor([[[7, 0, 200], [7, 4, 200], [255, 255, 255]]], dtype=torch.uint8)


def run(norm: ObsAttrValNormModule) -> Tensor:
    output: Tensor = norm({"input": TOKENS})["output"]
    return output


def test_values_are_divided_by_the_normalization_of_their_feature() -> None:
    result = run(ObsAttrValNormModule((0, 4), (10.0, 1000.0)))
    torch.testing.assert_close(result, torch.tensor([[[7, 0, 20.0], [7, 4, 0.2], [255, 255, 255]]]))


def test_quotients_can_be_cut_to_the_type_of_the_tokens() -> None:
    result = run(ObsAttrValNormModule((0, 4), (10.0, 3.0), truncate=True))
    assert result.dtype == torch.uint8
    assert result[0, :, 2].tolist() == [20, 66, 255]


def test_numbers_of_features_can_be_the_divisors() -> None:
    divisors = ObsAttrValNormModule((4, 2), (10.0, 30.0), divide_by="feature_id").divisors
    assert divisors[:5].tolist() == [4, 2, 1, 1, 1]


def test_divisors_can_be_set() -> None:
    norm = ObsAttrValNormModule((0,), (10.0,))
    norm.set_divisors(torch.full((256,), 2.0))
    assert run(norm)[0, :, 2].tolist() == [100, 100, 127.5]


@pytest.mark.parametrize("divisors", [torch.ones(3), torch.ones(256, dtype=torch.int64)])
def test_divisors_of_another_kind_are_refused(divisors: Tensor) -> None:
    with pytest.raises(ConfigError, match=r"divisors must be float32 \[256\], got"):
        ObsAttrValNormModule((0,), (1.0,)).set_divisors(divisors)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"divide_by": "value"}, "divide_by must be normalization or feature_id, got 'value'"),
        ({"feature_ids": (1, 2)}, "got 2 feature_ids and 1 divisors"),
        ({"feature_ids": (256,)}, r"features must have numbers from 0 to 255, got \[256\]"),
    ],
)
def test_wrong_arguments_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        ObsAttrValNormModule(**{"feature_ids": (0,), "feature_normalizations": (1.0,), **arguments})


def test_a_source_that_gives_no_tokens_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"needs a source of tokens, \(M, 3\), got shape \(0, 4\)"):
        ObsAttrValNormModule.from_context(BuildContext(in_shapes=((0, 4),)))
