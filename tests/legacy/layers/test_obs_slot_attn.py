from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional as F

from legacy.layers.obs_slot_attn import ObsSlotAttn
from tests.legacy._build import Source, build

X = torch.randn(2, 5, 4, generator=torch.Generator().manual_seed(0))


def slots(**config: Any) -> Any:
    return build(ObsSlotAttn, Source("tokens", X), **{"num_slots": 3, "slot_dim": 6, "num_iterations": 1, **config})


def test_every_pass_draws_in_evaluation_too() -> None:  # trap 41
    layer = slots().eval()
    assert not torch.equal(layer({})["tested"], layer({})["tested"])


def test_an_iteration_attends_over_tokens_and_updates_the_slots() -> None:
    layer = slots()
    torch.manual_seed(1)
    output = layer({})["tested"]
    torch.manual_seed(1)
    start = layer.slots_mu + torch.randn(2, 3, 6)
    x = F.layer_norm(X, (4,))
    updates = F.scaled_dot_product_attention(layer.q_proj(F.layer_norm(start, (6,))), layer.k_proj(x), layer.v_proj(x))
    after = layer.gru(updates.reshape(6, 6), start.reshape(6, 6)).reshape(2, 3, 6)
    torch.testing.assert_close(output, after + layer.mlp(F.layer_norm(after, (6,))))
    assert layer._out_tensor_shape == [3, 6]


def test_means_start_from_the_given_distribution() -> None:
    assert torch.equal(slots(slot_init_mu=2.0, slot_init_sigma=0.0).slots_mu, torch.full((1, 3, 6), 2.0))


def test_a_row_of_masked_tokens_becomes_nan() -> None:
    mask = torch.tensor([[True] * 5, [True] * 4 + [False]])
    output = slots(use_mask=True)({"obs_mask": mask})["tested"]
    assert output[0].isnan().all()
    assert not output[1].isnan().any()
