from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from legacy.layers.obs_self_attn import ObsSelfAttn
from tests.legacy._build import Source

X = torch.randn(2, 5, 6, generator=torch.Generator().manual_seed(0))
MASK = torch.tensor([[False, False, True, True, True], [False] * 5])


def attention(announced: int = 5, **options: Any) -> Any:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        layer = ObsSelfAttn(name="tested", sources=[{"name": "tokens"}], out_dim=4, **options)
        layer.setup({"tokens": Source("tokens", X, [announced, 6])})
    return layer


def run(layer: Any, x: Tensor = X, mask: Tensor = MASK) -> Tensor:
    output: Tensor = layer({"tokens": x, "obs_mask": mask})["tested"]
    return output


def test_it_gives_one_row_per_token_and_announces_none() -> None:
    assert run(attention()).shape == (2, 5, 4)
    assert attention()._out_tensor_shape == [0, 4]


def test_a_learned_token_in_front_can_be_the_output() -> None:
    layer = attention(use_cls_token=True)
    assert run(layer).shape == (2, 4)
    assert layer._out_tensor_shape == [4]


@pytest.mark.parametrize("use_cls_token", [False, True])
def test_masked_tokens_do_not_matter(use_cls_token: bool) -> None:
    layer, other = attention(use_mask=True, use_cls_token=use_cls_token), X.clone()
    other[0, 2:] = 9
    kept = slice(0, 2) if not use_cls_token else slice(None)
    assert torch.equal(run(layer, other)[0, kept], run(layer)[0, kept])
    open_to_all = attention(use_cls_token=use_cls_token)
    assert not torch.equal(run(open_to_all, other)[0, kept], run(open_to_all)[0, kept])


def test_outputs_of_a_token_s_size_are_not_projected() -> None:
    layer = ObsSelfAttn(name="tested", sources=[{"name": "tokens"}], out_dim=6)
    layer.setup({"tokens": Source("tokens", X, [5, 6])})
    assert isinstance(layer._final_proj, torch.nn.Identity)


def test_weights_are_registered_list_by_list() -> None:
    names = [name for name, _ in attention(num_layers=2, use_cls_token=True).named_parameters()]
    norms = [f"layer_norms_1.{i}.{name}" for i in range(2) for name in ("weight", "bias")]
    projections = [f"{kind}_projs.{i}.weight" for kind in "qkv" for i in range(2)]
    out = [f"out_projs.{i}.{name}" for i in range(2) for name in ("weight", "bias")]
    last = [f"{part}.{name}" for part in ("_layer_norm_2", "_final_proj") for name in ("weight", "bias")]
    assert names == ["_cls_token", *norms, *projections, *out, *last]


def test_and_drawn_layer_by_layer() -> None:
    one, two = attention(num_layers=1), attention(num_layers=2)
    assert torch.equal(one.out_projs[0].weight, two.out_projs[0].weight)
    assert not torch.equal(one._final_proj.weight, two._final_proj.weight)


def test_keys_that_it_never_had_are_swallowed() -> None:
    assert torch.equal(run(attention(qk_dim=32)), run(attention()))


def test_heads_must_divide_a_token() -> None:
    with pytest.raises(ValueError, match=r"feat_dim \(6\) must be divisible by num_heads \(4\)"):
        attention(num_heads=4)
