from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from legacy.layers import obs_cross_attn as versions
from tests.legacy._build import Source, build

X = torch.randn(2, 5, 4, generator=torch.Generator().manual_seed(0))
ALL = [versions.ObsCrossAttn, versions.ObsCrossAttn0603, versions.ObsCrossAttn0604, versions.ObsCrossAttn0604b]
FIRST, JUNE_3, JUNE_4, LAST = ALL


def attention(cls: Any, **config: Any) -> Any:
    return build(cls, Source("tokens", X), hidden_size=6, core_num_layers=2, **{"out_dim": 4, **config})


def attended(layer: Any, x: torch.Tensor, queries: torch.Tensor) -> torch.Tensor:
    q, k, v = layer.q_proj(queries).expand(2, -1, -1), layer.k_proj(x), layer.v_proj(x)
    return F.layer_norm(F.scaled_dot_product_attention(q, k, v), (v.shape[-1],))


def test_the_first_version_projects_a_query_of_the_hidden_size_and_norms_nothing_before() -> None:
    layer = attention(FIRST, out_dim=3)
    expected = layer._out_proj(attended(layer, X, layer._feat_proj(layer._q_token)))[:, 0]
    torch.testing.assert_close(layer({})["tested"], expected)
    assert layer._layer_norm_1.weight.shape == (6,)
    layer({})["tested"].sum().backward()
    assert layer._layer_norm_1.weight.grad is None
    assert layer._out_tensor_shape == [3]


def test_from_june_3_the_first_norm_is_used() -> None:
    layer = attention(JUNE_3, out_dim=3)
    expected = layer._out_proj(attended(layer, F.layer_norm(X, (4,)), layer._feat_proj(layer._q_token)))[:, 0]
    torch.testing.assert_close(layer({})["tested"], expected)


def test_from_june_4_the_query_has_the_size_of_the_tokens() -> None:
    layer = attention(JUNE_4, out_dim=3)
    expected = layer._out_proj(attended(layer, F.layer_norm(X, (4,)), layer._q_token))[:, 0]
    torch.testing.assert_close(layer({})["tested"], expected)


def test_the_last_version_has_sizes_of_its_own_and_two_layers_behind() -> None:
    sizes = {"query_token_dim": 3, "qk_dim": 2, "v_dim": 6, "mlp_out_hidden_dim": 7}
    layer = attention(LAST, num_query_tokens=3, **sizes)
    expected = layer._out_proj(attended(layer, F.layer_norm(X, (4,)), layer._q_token))
    torch.testing.assert_close(layer({})["tested"], expected)
    assert [type(each) for each in layer._out_proj] == [nn.Linear, nn.ReLU, nn.Linear]
    assert layer._out_tensor_shape == [3, 4]


def test_one_query_gives_a_vector() -> None:
    layer = attention(LAST)
    assert layer({})["tested"].shape == (2, 4)
    assert layer._out_tensor_shape == [4]
    assert (layer._query_token_dim, layer._qk_dim, layer._v_dim) == (4, 4, 4)


def test_another_size_of_the_output_needs_a_hidden_layer() -> None:
    with pytest.raises(ValueError, match=r"^mlp_out_hidden_dim must be provided if v_dim != out_dim$"):
        attention(LAST, out_dim=3)


@pytest.mark.parametrize("cls", ALL)
def test_a_row_of_masked_tokens_becomes_nan(cls: Any) -> None:
    mask = torch.tensor([[True] * 5, [True] * 4 + [False]])
    output = attention(cls, use_mask=True)({"obs_mask": mask})["tested"]
    assert output[0].isnan().all()
    assert not output[1].isnan().any()
