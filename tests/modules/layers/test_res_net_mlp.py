from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.nn import functional as F

from modules.base import BuildContext
from modules.errors import ConfigError
from modules.layers.res_net_mlp import ResNetMLPModule


def test_the_input_of_every_four_layers_is_added_to_their_output() -> None:
    module, x = ResNetMLPModule(3, 8), torch.randn(5, 3)
    w: Any = {key: value + torch.randn_like(value) for key, value in module.state_dict().items()}
    module.load_state_dict(w)
    result = module.compute(x)
    y = x
    for layer in range(8):
        y = F.linear(y, w[f"layers.{layer}.weight"], w[f"layers.{layer}.bias"])
        y = F.layer_norm(y, (3,), w[f"layers.{layer}.norm_weight"], w[f"layers.{layer}.norm_bias"])
        y = y * torch.sigmoid(w[f"layers.{layer}.beta"] * y)
        if layer % 4 == 3:
            x = y = x + y
    torch.testing.assert_close(result, x)


def test_every_parameter_learns() -> None:
    module = ResNetMLPModule(3, 4)
    module.compute(torch.randn(5, 3)).square().sum().backward()  # type: ignore[no-untyped-call]
    assert all(p.grad is not None and p.grad.abs().max() > 0 for p in module.parameters())


@pytest.mark.parametrize(
    ("size", "depth", "message"),
    [
        (3, 6, r"depth must be a multiple of 4, got 6"),
        (3, 0, r"depth must be a positive integer, got 0"),
        (0, 4, r"size must be a positive integer, got 0"),
    ],
)
def test_sizes_are_checked(size: int, depth: int, message: str) -> None:
    with pytest.raises(ConfigError, match=f"^{message}$"):
        ResNetMLPModule(size, depth)


def test_the_size_is_that_of_the_source() -> None:
    assert ResNetMLPModule.from_context(BuildContext(in_shapes=((7,),))) == {"size": 7}
