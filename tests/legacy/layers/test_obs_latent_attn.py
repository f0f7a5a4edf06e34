from __future__ import annotations

from typing import Any

import pytest
import torch
from tensordict import TensorDict
from torch import Tensor

from legacy.layers.obs_latent_attn import ObsLatentAttn, ObsLatentAttnE10
from tests.legacy._build import Source

X = torch.randn(2, 5, 6, generator=torch.Generator().manual_seed(0))
MASK = torch.tensor([[False, False, True, True, True], [False] * 5])


def attention(cls: type[ObsLatentAttn] = ObsLatentAttn, **options: Any) -> Any:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        layer = cls(name="tested", sources=[{"name": "tokens"}], out_dim=4, **options)
        layer.setup({"tokens": Source("tokens", X, [0, 6])})
    return layer


def run(layer: Any, x: Tensor = X, mask: Tensor = MASK) -> Tensor:
    output: Tensor = layer({"tokens": x, "obs_mask": mask, "_BxTT_": len(x)})["tested"]
    return output


def test_it_gives_and_announces_one_row_per_query_or_the_first_one() -> None:
    every, first = attention(num_query_tokens=3), attention(num_query_tokens=3, use_cls_token=True)
    assert every._out_tensor_shape == [3, 4]
    assert first._out_tensor_shape == [4]
    assert torch.equal(run(every)[:, 0], run(first))


def test_sizes_that_are_not_given_are_those_of_a_token_and_are_kept_resolved() -> None:
    layer = attention()
    assert (layer._query_token_dim, layer._qk_dim, layer._v_dim) == (6, 6, 6)
    layer = attention(query_token_dim=8, v_dim=2)
    assert (layer._query_token_dim, layer._qk_dim, layer._v_dim) == (8, 8, 2)


def test_masked_tokens_do_not_matter() -> None:
    layer, other = attention(use_mask=True), X.clone()
    other[0, 2:] = 9
    assert torch.equal(run(layer, other), run(layer))
    assert not torch.equal(run(attention(), other), run(attention()))


def test_where_all_tokens_are_masked_all_count() -> None:
    result = run(attention(use_mask=True), mask=torch.ones(2, 5, dtype=torch.bool))
    assert result.isfinite().all()


def test_outputs_of_a_query_s_size_are_not_projected() -> None:
    assert isinstance(attention(query_token_dim=4).output_proj, torch.nn.Identity)


def test_parameters_stand_in_the_order_in_which_optimizers_know_them() -> None:
    names = [name for name, _ in attention().named_parameters()]
    block = ["q_proj.weight", "attn_out_proj.weight", "attn_out_proj.bias", "norm1.weight", "norm1.bias"]
    block += ["norm2.weight", "norm2.bias", "mlp.0.weight", "mlp.0.bias", "mlp.2.weight", "mlp.2.bias"]
    before = ["_q_token", "norm_kv.weight", "norm_kv.bias", "k_proj.weight", "v_proj.weight"]
    after = ["final_norm.weight", "final_norm.bias", "output_proj.weight", "output_proj.bias"]
    assert names == [*before, *(f"layers.0.{name}" for name in block), *after]


def test_a_tensordict_of_e8_and_e9_lacks_the_batch_size() -> None:
    td = TensorDict({"tokens": X}, batch_size=[2])
    with pytest.raises(KeyError, match="_BxTT_"):
        attention()(td)
    assert attention(ObsLatentAttnE10)(td)["tested"].shape == (2, 1, 4)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_heads": 4}, r"qk_dim \(6\) must be divisible by num_heads \(4\)"),
        ({"num_heads": 2, "v_dim": 3}, r"v_dim \(3\) must be divisible by num_heads \(2\)"),
        ({"num_layers": 2, "v_dim": 4}, r"query_token_dim \(6\) and v_dim \(4\) must be equal"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        attention(**options)


def test_no_query_is_refused() -> None:
    with pytest.raises(AssertionError, match="num_query_tokens must be greater than 0"):
        attention(num_query_tokens=0)
