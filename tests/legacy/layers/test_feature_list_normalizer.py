from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from legacy.layers.feature_list_normalizer import FeatureListNormalizer, FeatureListNormalizerE4d

AGENT: Any = SimpleNamespace(grid_features=["agent", "hp"])


def test_until_e4c_it_cannot_be_made() -> None:
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'name'"):
        FeatureListNormalizer(AGENT, name="tested")


def test_from_e4d_it_lacks_the_agent_that_no_config_can_give() -> None:
    make: Any = FeatureListNormalizerE4d
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'metta_agent'"):
        make(name="tested")


def test_made_by_hand_it_has_neither_name_nor_sources_so_a_pass_fails() -> None:
    layer = FeatureListNormalizerE4d(AGENT, name="tested", sources=[{"name": "x"}])
    assert (layer._name, layer._sources) == (None, None)
    with pytest.raises(TypeError, match="'NoneType' object is not subscriptable"):
        layer({"x": torch.zeros(1, 2, 3, 4)})


def test_what_forward_gives_back_is_a_tensor_and_no_blackboard() -> None:
    layer = FeatureListNormalizerE4d(AGENT)
    layer._name, layer._sources = "tested", [{"name": "x"}]
    x = torch.randn(2, 2, 3, 4, generator=torch.Generator().manual_seed(0))
    td = {"x": x}
    output = layer(td)
    assert output is td["tested"] is layer(td)
    assert output.shape == x.shape


def test_statistics_are_kept_in_float64_per_feature() -> None:
    layer = FeatureListNormalizerE4d(AGENT)
    assert {(key, value.dtype) for key, value in layer.state_dict().items()} == {
        (f"_norms_dict.{feature}.{name}", torch.float64)
        for feature in AGENT.grid_features
        for name in ("running_mean", "running_var", "count")
    }
