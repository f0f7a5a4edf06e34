from __future__ import annotations

from typing import Any

import pytest
import torch

from legacy.layers.observation_normalizer import ObservationNormalizer
from tests.legacy._build import Source, build, run

IMAGE = Source("image", torch.ones(1, 2, 3, 4))


def normalizer(*features: str) -> Any:
    return build(ObservationNormalizer, IMAGE, grid_features=list(features))


def test_each_feature_is_divided_by_its_constant() -> None:
    layer = normalizer("hp", "agent:color")
    assert run(layer)[0, :, 0, 0].tolist() == [torch.tensor(1 / 30).item(), torch.tensor(1 / 255).item()]
    assert layer._out_tensor_shape == [2, 3, 4]


def test_the_constants_are_a_buffer() -> None:
    state = normalizer("hp", "hp").state_dict()
    assert list(state) == ["obs_norm"]
    assert state["obs_norm"].shape == (1, 2, 1, 1)
    assert state["obs_norm"].dtype == torch.float32


def test_an_unknown_feature_is_a_key_error() -> None:
    with pytest.raises(KeyError, match="no such feature"):
        normalizer("hp", "no such feature")
