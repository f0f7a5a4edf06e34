from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from legacy.layers.res_net_mlp import ResNetMLP
from tests.legacy._build import Source, build, run

X = Source("x", torch.randn(2, 3, generator=torch.Generator().manual_seed(0)))


def test_four_layers_are_a_block_around_which_the_input_goes() -> None:
    layer = build(ResNetMLP, X, depth=8)
    w, x = layer.state_dict(), X.value
    for i in range(2):
        y = x
        for j in (0, 3, 6, 9):
            block = f"residual_layers.{i}.block"
            y = F.linear(y, w[f"{block}.{j}.weight"], w[f"{block}.{j}.bias"])
            y = F.layer_norm(y, (3,), w[f"{block}.{j + 1}.weight"], w[f"{block}.{j + 1}.bias"])
            y = y * torch.sigmoid(y * w[f"{block}.{j + 2}.beta"])
        x = x + y
    torch.testing.assert_close(run(layer), x)
    assert layer._out_tensor_shape == [3]


def test_beta_is_one_number_without_dimensions_that_starts_at_1() -> None:
    betas = [value for key, value in build(ResNetMLP, X, depth=4).state_dict().items() if key.endswith("beta")]
    assert [(beta.item(), beta.shape) for beta in betas] == [(1, ())] * 4


def test_the_net_stays_none() -> None:
    layer = build(ResNetMLP, X, depth=4)
    assert (layer._net, layer.depth, layer._nn_params) == (None, 4, {})


def test_a_depth_that_is_no_multiple_of_4_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^Depth must be a multiple of 4\.$"):
        ResNetMLP(6, name="tested")
