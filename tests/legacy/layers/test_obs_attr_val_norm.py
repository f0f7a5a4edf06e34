from __future__ import annotations

from typing import Any

import pytest
import torch

from legacy.layers.obs_attr_val_norm import ObsAttrValNorm
from tests.legacy._build import Source

TOKENS = torch.tensor([[[7, 0, 200], [7, 1, 200], [7, 3, 200], [255, 255, 255]]], dtype=torch.uint8)


def norm(divisors: dict[int, float]) -> Any:
    layer = ObsAttrValNorm(name="tested", sources=[{"name": "_obs_"}], feature_normalizations=divisors)
    layer.setup({"_obs_": Source("_obs_", TOKENS, [0, 3])})
    return layer


def test_a_feature_is_divided_by_its_number_and_the_quotient_is_cut() -> None:
    result = norm({0: 10.0, 1: 10.0, 2: 30.0, 3: 100.0})({"_obs_": TOKENS})["tested"]
    assert result.dtype == torch.uint8
    assert result[0, :, 2].tolist() == [0, 200, 66, 255]
    assert torch.equal(result[..., :2], TOKENS[..., :2])


def test_numbers_are_taken_in_listed_order() -> None:
    factors = norm({4: 10.0, 2: 30.0})._norm_factors
    assert factors[:3].tolist() == [4, 2, 1]


def test_the_source_keeps_its_values() -> None:
    before = TOKENS.clone()
    norm({0: 1.0})({"_obs_": TOKENS})
    assert torch.equal(TOKENS, before)


def test_more_than_256_features_are_refused() -> None:
    with pytest.raises(ValueError, match="Feature normalization 256 is out of bounds for Embedding layer size 256"):
        norm(dict.fromkeys(range(257), 1.0))
