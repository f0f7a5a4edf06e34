from __future__ import annotations

import math
from typing import Any

import torch

from legacy.layers.actor_big import MettaActorBig
from tests.legacy._build import Source, build, run

HIDDEN = Source("hidden", torch.randn(5, 4, generator=torch.Generator().manual_seed(0)))
EMBEDS = Source("embeds", torch.randn(5, 2, 3, generator=torch.Generator().manual_seed(1)), [0, 3])
SIZES: dict[str, Any] = {"bilinear_output_dim": 6, "mlp_hidden_dim": 7}


def test_scores_are_those_of_the_formula() -> None:
    actor = build(MettaActorBig, HIDDEN, EMBEDS, **SIZES)
    query = torch.tanh(torch.einsum("b h, k h e -> b k e", HIDDEN.value, actor.W))
    scores = torch.relu(torch.einsum("b k e, b a e -> b a k", query, EMBEDS.value) + actor.bias)
    torch.testing.assert_close(run(actor), actor._MLP(scores).squeeze(-1))


def test_parameters_have_the_names_that_checkpoints_hold() -> None:
    actor = build(MettaActorBig, HIDDEN, EMBEDS, **SIZES)
    assert {name: tuple(p.shape) for name, p in actor.named_parameters()} == {
        "W": (6, 4, 3),
        "bias": (6,),
        "_MLP.0.weight": (7, 6),
        "_MLP.0.bias": (7,),
        "_MLP.2.weight": (1, 7),
        "_MLP.2.bias": (1,),
    }
    assert max(actor.W.abs().max().item(), actor.bias.abs().max().item()) <= 1 / math.sqrt(4)


def test_the_sizes_stand_beside_nn_params_and_have_defaults() -> None:
    actor = build(MettaActorBig, HIDDEN, EMBEDS)
    assert (actor.bilinear_output_dim, actor.mlp_hidden_dim, actor._nn_params) == (32, 512, {})


def test_nothing_can_follow_it() -> None:
    assert not hasattr(build(MettaActorBig, HIDDEN, EMBEDS), "_out_tensor_shape")
