from __future__ import annotations

import torch

from legacy.layers.puffer_actor import PufferActor
from tests.legacy._build import Source, build, run

HIDDEN = Source("hidden", torch.randn(5, 4, generator=torch.Generator().manual_seed(0)))
EMBEDS = Source("embeds", torch.randn(5, 2, 3, generator=torch.Generator().manual_seed(1)), [0, 3])


def test_a_logit_is_the_product_of_two_sums() -> None:
    actor = build(PufferActor, HIDDEN, EMBEDS)
    torch.testing.assert_close(run(actor), HIDDEN.value.sum(1, keepdim=True) * EMBEDS.value.sum(2))
    assert not actor.state_dict()


def test_nothing_can_follow_it() -> None:
    assert not hasattr(build(PufferActor, HIDDEN, EMBEDS), "_out_tensor_shape")
