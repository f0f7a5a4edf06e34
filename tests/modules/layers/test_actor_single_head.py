from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from modules.base import BuildContext
from modules.errors import ConfigError
from modules.layers.actor_single_head import ActorSingleHeadModule


@given(*[st.integers(1, 5)] * 4)
def test_a_logit_is_the_bilinear_score_of_its_formula(rows: int, actions: int, hidden: int, embedding: int) -> None:
    actor = ActorSingleHeadModule(hidden, embedding)
    h, e = torch.randn(rows, hidden), torch.randn(rows, actions, embedding)
    logits = actor({"hidden": h, "action_embeddings": e})["logits"]
    expected = (torch.tanh(h @ actor.W[0]).unsqueeze(1) * e).sum(-1) + actor.bias
    torch.testing.assert_close(logits, expected)


@pytest.mark.parametrize("shapes", [(), ((3,),), ((0, 3), (4,)), ((3,), (4,))])
def test_the_sources_are_a_vector_and_embeddings(shapes: tuple[tuple[int, ...], ...]) -> None:
    with pytest.raises(ConfigError, match="needs two sources, a vector and action embeddings, got shapes"):
        ActorSingleHeadModule.from_context(BuildContext(in_shapes=shapes))
