from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from migrate.eras import Era
from migrate.errors import UnusableFileError
from migrate.rules.obs_latent_attn import RULE
from migrate.translate import to_new, to_old
from modules.base import BuildContext
from modules.errors import ConfigError
from modules.layers.obs_latent_attn import ObsLatentAttnModule

X = torch.randn(2, 5, 6, generator=torch.Generator().manual_seed(0))
MASK = torch.tensor([[False, False, True, True, True], [False] * 5])


def attention(**options: Any) -> ObsLatentAttnModule:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return ObsLatentAttnModule(6, 4, **options)


def test_one_block_is_multi_head_attention_with_residuals() -> None:
    module = attention(num_heads=2, num_query_tokens=3)
    block: Any = module.blocks[0]
    theirs = nn.MultiheadAttention(6, 2, batch_first=True, bias=False)
    theirs.in_proj_weight.data = torch.cat([block.to_q.weight, module.to_k.weight, module.to_v.weight])
    theirs.out_proj.weight.data = block.to_out.weight
    query, kv = module.query.expand(2, -1, -1), module.norm_kv(X)
    y = query + theirs(block.norm1(query), kv, kv)[0] + block.to_out.bias
    y = y + block.mlp_out(nn.functional.gelu(block.mlp_in(block.norm2(y))))
    torch.testing.assert_close(module.compute(X), module.project(module.final_norm(y)))


def test_masked_tokens_do_not_matter() -> None:
    module, other = attention(use_mask=True), X.clone()
    other[0, 2:] = 9
    assert torch.equal(module.compute(other, MASK), module.compute(X, MASK))
    assert not torch.equal(module.compute(other), module.compute(X))


def test_where_all_tokens_are_masked_all_count() -> None:
    every = torch.ones(2, 5, dtype=torch.bool)
    assert attention(use_mask=True).compute(X, every).isfinite().all()


def test_the_first_query_alone_can_be_the_output() -> None:
    every, first = attention(num_query_tokens=3), attention(num_query_tokens=3, use_cls_token=True)
    assert torch.equal(every.compute(X)[:, 0], first.compute(X))


def test_the_mask_is_an_input_only_where_it_is_used() -> None:
    assert ObsLatentAttnModule.in_keys_for({"use_mask": True}) == ("obs_mask",)
    assert ObsLatentAttnModule.in_keys_for({"use_mask": False}) == ()
    assert ObsLatentAttnModule.in_keys_for({}) == ()


@pytest.mark.parametrize(
    ("options", "shape"),
    [({}, (1, 4)), ({"num_query_tokens": 3}, (3, 4)), ({"num_query_tokens": 3, "use_cls_token": True}, (4,))],
)
def test_it_announces_what_it_gives(options: dict[str, Any], shape: tuple[int, ...]) -> None:
    assert ObsLatentAttnModule.output_shape(((0, 6),), {"out_dim": 4, **options}) == shape
    assert tuple(attention(**options).compute(X).shape[1:]) == shape


def test_it_takes_the_size_of_a_token_from_its_source() -> None:
    assert ObsLatentAttnModule.from_context(BuildContext(in_shapes=((0, 6),))) == {"in_dim": 6}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_query_tokens": 0}, "num_query_tokens must be a positive integer, got 0"),
        ({"qk_dim": 0}, "qk_dim must be a positive integer, got 0"),
        ({"mlp_ratio": 0.1}, "mlp_ratio must give at least one hidden unit, got 0.1"),
        ({"num_heads": 4}, r"qk_dim \(6\) must be divisible by num_heads \(4\)"),
        ({"num_heads": 2, "v_dim": 3}, r"v_dim \(3\) must be divisible by num_heads \(2\)"),
        ({"num_layers": 2, "v_dim": 4}, r"query_token_dim \(6\) and v_dim \(4\) must be equal"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        attention(**options)


@pytest.mark.parametrize("era", ["E8", "2025-08-18"])
def test_its_rule_refuses_the_time_in_which_it_never_ran(era: str) -> None:
    for translate in (to_new, to_old):
        with pytest.raises(UnusableFileError, match=r"failed in every pass \(trap 59\)"):
            translate(RULE, {"out_dim": 4}, Era(era), "here")


@pytest.mark.parametrize("era", ["E6a", "E7b", "E10", "E11"])
def test_its_rule_takes_the_time_before_and_after(era: str) -> None:
    assert to_new(RULE, {"out_dim": 4, "use_mask": True}, Era(era), "here").config == {"out_dim": 4, "use_mask": True}


def test_a_mask_is_read_where_one_is_used() -> None:
    assert ObsLatentAttnModule(4, 4, use_mask=True).in_keys == ("input", "obs_mask")
    assert ObsLatentAttnModule(4, 4).in_keys == ("input",)
