from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from modules.base import BuildContext
from modules.errors import ConfigError
from modules.layers.obs_self_attn import ObsSelfAttnModule

X = torch.randn(2, 5, 6, generator=torch.Generator().manual_seed(0))
MASK = torch.tensor([[False, False, True, True, True], [False] * 5])


def attention(**options: Any) -> ObsSelfAttnModule:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return ObsSelfAttnModule(6, 4, **options)


def test_one_layer_is_multi_head_attention_with_a_residual() -> None:
    module: Any = attention(num_heads=2)
    theirs = nn.MultiheadAttention(6, 2, batch_first=True, bias=False)
    theirs.in_proj_weight.data = torch.cat([module.to_q[0].weight, module.to_k[0].weight, module.to_v[0].weight])
    theirs.out_proj.weight.data = module.to_out[0].weight
    normed = module.norms[0](X)
    y = X + theirs(normed, normed, normed)[0] + module.to_out[0].bias
    torch.testing.assert_close(module.compute(X), module.project(module.final_norm(y)))


@pytest.mark.parametrize("use_cls_token", [False, True])
def test_masked_tokens_do_not_matter(use_cls_token: bool) -> None:
    module, other = attention(use_mask=True, use_cls_token=use_cls_token), X.clone()
    other[0, 2:] = 9
    kept = slice(0, 2) if not use_cls_token else slice(None)
    assert torch.equal(module.compute(other, MASK)[0, kept], module.compute(X, MASK)[0, kept])
    assert not torch.equal(module.compute(other)[0, kept], module.compute(X)[0, kept])


def test_the_token_in_front_is_never_masked() -> None:
    module = attention(use_mask=True, use_cls_token=True)
    every, other = torch.ones(2, 5, dtype=torch.bool), X * 3
    assert torch.equal(module.compute(X, every), module.compute(other, every))


def test_the_mask_is_an_input_only_where_it_is_used() -> None:
    assert ObsSelfAttnModule.in_keys_for({"use_mask": True}) == ("obs_mask",)
    assert ObsSelfAttnModule.in_keys_for({}) == ()


@pytest.mark.parametrize(("use_cls_token", "shape"), [(False, (5, 4)), (True, (4,))])
def test_it_announces_what_it_gives(use_cls_token: bool, shape: tuple[int, ...]) -> None:
    options = {"out_dim": 4, "use_cls_token": use_cls_token}
    assert ObsSelfAttnModule.output_shape(((5, 6),), options) == shape
    assert tuple(attention(use_cls_token=use_cls_token).compute(X).shape[1:]) == shape


def test_it_takes_the_size_of_a_token_from_its_source() -> None:
    assert ObsSelfAttnModule.from_context(BuildContext(in_shapes=((0, 6),))) == {"in_dim": 6}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_layers": 0}, "num_layers must be a positive integer, got 0"),
        ({"num_heads": 4}, r"in_dim \(6\) must be divisible by num_heads \(4\)"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        attention(**options)


def test_a_mask_is_read_where_one_is_used() -> None:
    assert ObsSelfAttnModule(4, 4, use_mask=True).in_keys == ("input", "obs_mask")
    assert ObsSelfAttnModule(4, 4).in_keys == ("input",)
