from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional as F

from legacy.layers.obs_vanilla_attn import ObsVanillaAttn
from tests.legacy._build import Source, build

X = torch.randn(2, 5, 4, generator=torch.Generator().manual_seed(0))


def attention(**config: Any) -> Any:
    return build(ObsVanillaAttn, Source("tokens", X), **config)


def test_it_is_one_head_between_two_norms_with_a_residual_sum() -> None:
    layer = attention(out_dim=3)
    q, k, v = (F.layer_norm(X, (4,)) @ layer.W_qkv + layer.b_qkv).chunk(3, dim=-1)
    attended = F.scaled_dot_product_attention(q, k, v)
    expected = F.linear(F.layer_norm(X + attended, (4,)), layer._out_proj.weight, layer._out_proj.bias)
    torch.testing.assert_close(layer({})["tested"], expected)
    assert layer._out_tensor_shape == [5, 3]


def test_the_output_is_projected_only_where_its_size_differs() -> None:
    assert not list(attention(out_dim=4)._out_proj.parameters())


def test_masked_tokens_change_nothing() -> None:
    layer = attention(out_dim=4, use_mask=True)
    mask = torch.tensor([[False, False, True, True, True]] * 2)
    other = torch.cat([X[:, :2], X[:, 2:] + 1], dim=1)
    results = [layer({"obs_mask": mask, "tokens": x})["tested"][:, :2] for x in (X, other)]
    assert torch.equal(*results)


def test_a_mask_is_not_read_without_use_mask() -> None:
    layer = attention(out_dim=4)
    mask = torch.tensor([[False, False, True, True, True]] * 2)
    assert torch.equal(layer({"obs_mask": mask})["tested"], layer({})["tested"])


def test_a_row_of_masked_tokens_is_attended_uniformly() -> None:
    layer = attention(out_dim=4, use_mask=True)
    output = layer({"obs_mask": torch.ones(2, 5, dtype=torch.bool)})["tested"]
    v = (F.layer_norm(X, (4,)) @ layer.W_qkv + layer.b_qkv)[..., 8:]
    torch.testing.assert_close(output, F.layer_norm(X + v.mean(1, keepdim=True), (4,)))


def test_direct_parameters_come_first() -> None:  # optimizer state is positional
    assert [name for name, _ in attention(out_dim=3).named_parameters()][:3] == [
        *("W_qkv", "b_qkv", "_layer_norm_1.weight"),
    ]
