from __future__ import annotations

from typing import Any

import pytest
import torch

from modules.base import BuildContext
from modules.errors import ConfigError
from modules.layers.obs_slot_attn import ObsSlotAttnModule

X = torch.randn(2, 5, 4, generator=torch.Generator().manual_seed(0))


def slots(**options: Any) -> Any:
    return ObsSlotAttnModule(4, 3, 6, 2, **options)


def test_slots_have_their_shape_in_training_and_evaluation() -> None:
    assert slots()({"input": X})["output"].shape == (2, 3, 6)
    assert slots().eval()({"input": X})["output"].shape == (2, 3, 6)
    assert ObsSlotAttnModule.output_shape(((5, 4),), {"num_slots": 3, "slot_dim": 6}) == (3, 6)


@pytest.mark.parametrize(("noise", "is_same"), [("in_training", True), ("always", False)])
def test_evaluation_draws_only_if_it_is_told_to(noise: str, is_same: bool) -> None:
    layer = slots(noise=noise).eval()
    assert torch.equal(layer({"input": X})["output"], layer({"input": X})["output"]) is is_same
    layer.train()
    assert not torch.equal(layer({"input": X})["output"], layer({"input": X})["output"])


def test_slots_compete_for_tokens() -> None:
    scores = torch.tensor([[[9.0, 0.0], [0.0, 9.0]]])
    expected = torch.softmax(scores, dim=1)
    torch.testing.assert_close(slots()._attention(scores, None), expected / expected.sum(-1, keepdim=True))


def test_or_tokens_compete_for_slots() -> None:
    scores = torch.tensor([[[9.0, 0.0], [0.0, 9.0]]])
    torch.testing.assert_close(slots(competing="tokens")._attention(scores, None), torch.softmax(scores, dim=-1))


@pytest.mark.parametrize("competing", ["slots", "tokens"])
def test_masked_tokens_get_no_weight(competing: str) -> None:
    mask = torch.tensor([[False, True]])
    weights = slots(competing=competing)._attention(torch.zeros(1, 3, 2), mask)
    torch.testing.assert_close(weights, torch.tensor([[[1.0, 0.0]] * 3]))


@pytest.mark.parametrize(("competing", "is_nan"), [("slots", False), ("tokens", True)])
def test_a_row_of_masked_tokens_is_nan_only_where_tokens_compete(competing: str, is_nan: bool) -> None:
    layer = slots(competing=competing, use_mask=True)
    output = layer({"input": X, "obs_mask": torch.ones(2, 5, dtype=torch.bool)})["output"]
    assert bool(output.isnan().all()) is is_nan


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"competing": "none"}, "^competing must be slots or tokens, got 'none'$"),
        ({"noise": "never"}, "^noise must be in_training or always, got 'never'$"),
        ({"mlp_hidden_dim": 0}, "^mlp_hidden_dim must be a positive integer, got 0$"),
    ],
)
def test_what_cannot_be_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        slots(**options)


def test_a_source_that_is_no_list_of_tokens_is_refused() -> None:
    with pytest.raises(
        ConfigError, match=r"^needs a source with 2 dimension\(s\) besides the batch, got shape \(3,\)$"
    ):
        ObsSlotAttnModule.from_context(BuildContext(in_shapes=((3,),)))
