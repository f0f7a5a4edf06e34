from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from modules.base import BuildContext
from modules.errors import ConfigError
from modules.layers.obs_vanilla_attn import ObsVanillaAttnModule

X = torch.randn(2, 5, 4, generator=torch.Generator().manual_seed(0))


def test_it_is_one_head_between_two_norms_with_a_residual_sum() -> None:
    layer = ObsVanillaAttnModule(4, 3)
    q, k, v = (F.layer_norm(X, (4,)) @ layer.qkv_weight + layer.qkv_bias).chunk(3, dim=-1)
    normed = F.layer_norm(X + F.scaled_dot_product_attention(q, k, v), (4,))
    torch.testing.assert_close(layer({"input": X})["output"], F.linear(normed, layer.output_weight, layer.output_bias))
    assert layer.output_shape(((5, 4),), {"out_dim": 3}) == (5, 3)


def test_the_output_is_projected_only_where_its_size_differs() -> None:
    assert "output_weight" in ObsVanillaAttnModule(4, 3).state_dict()
    assert "output_weight" not in ObsVanillaAttnModule(4, 4).state_dict()


def test_the_mask_is_an_input_only_if_it_is_used() -> None:
    assert ObsVanillaAttnModule(4, 3).in_keys == ("input",)
    assert ObsVanillaAttnModule(4, 3, use_mask=True).in_keys == ("input", "obs_mask")
    assert ObsVanillaAttnModule.in_keys_for({"use_mask": True}) == ("obs_mask",)


def test_masked_tokens_change_nothing() -> None:
    layer = ObsVanillaAttnModule(4, 4, use_mask=True)
    mask = torch.tensor([[False, False, True, True, True]] * 2)
    other = torch.cat([X[:, :2], X[:, 2:] + 1], dim=1)
    results = [layer({"input": x, "obs_mask": mask})["output"][:, :2] for x in (X, other)]
    assert torch.equal(*results)


def test_a_source_that_is_no_list_of_tokens_is_refused() -> None:
    with pytest.raises(
        ConfigError, match=r"^needs a source with 2 dimension\(s\) besides the batch, got shape \(3,\)$"
    ):
        ObsVanillaAttnModule.from_context(BuildContext(in_shapes=((3,),)))
    with pytest.raises(ConfigError, match=r"^out_dim must be a positive integer, got 0$"):
        ObsVanillaAttnModule(4, 0)
