from __future__ import annotations

import math

import torch

from legacy.layers.actor_single_head import MettaActorSingleHead
from tests.legacy._build import Source, build, run

HIDDEN = Source("hidden", torch.randn(5, 4, generator=torch.Generator().manual_seed(0)))
EMBEDS = Source("embeds", torch.randn(5, 2, 3, generator=torch.Generator().manual_seed(1)), [0, 3])


def test_scores_are_those_of_the_formula() -> None:
    actor = build(MettaActorSingleHead, HIDDEN, EMBEDS)
    query = torch.tanh(HIDDEN.value @ actor.W[0])
    expected = torch.einsum("b e, b a e -> b a", query, EMBEDS.value) + actor.bias
    torch.testing.assert_close(run(actor), expected)


def test_weights_are_uniform_within_the_root_of_the_hidden_size() -> None:
    actor = build(MettaActorSingleHead, HIDDEN, EMBEDS)
    assert {name: tuple(p.shape) for name, p in actor.named_parameters()} == {"W": (1, 4, 3), "bias": (1,)}
    assert max(actor.W.abs().max().item(), actor.bias.abs().item()) <= 1 / math.sqrt(4)


def test_nothing_can_follow_it() -> None:
    assert not hasattr(build(MettaActorSingleHead, HIDDEN, EMBEDS), "_out_tensor_shape")
