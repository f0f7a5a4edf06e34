from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from modules.base import BuildContext
from modules.errors import ConfigError
from modules.layers.actor_big import ActorBigModule


@given(*[st.integers(1, 5)] * 6)
def test_a_logit_is_what_the_formula_says(n: int, actions: int, hidden: int, embedding: int, k: int, mlp: int) -> None:
    actor = ActorBigModule(hidden, embedding, k, mlp)
    h, e = torch.randn(n, hidden), torch.randn(n, actions, embedding)
    logits = actor({"hidden": h, "action_embeddings": e})["logits"]
    query = torch.tanh(torch.einsum("nh,khe->nke", h, actor.W))
    scores = torch.relu(torch.einsum("nke,nae->nak", query, e) + actor.bias)
    w = dict(actor.named_parameters())
    expected = torch.relu(scores @ w["mlp.0.weight"].T + w["mlp.0.bias"]) @ w["mlp.2.weight"].T + w["mlp.2.bias"]
    torch.testing.assert_close(logits, expected.squeeze(-1), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("shapes", [(), ((3,),), ((0, 3), (4,)), ((3,), (4,))])
def test_the_sources_are_a_vector_and_embeddings(shapes: tuple[tuple[int, ...], ...]) -> None:
    with pytest.raises(ConfigError, match="needs two sources, a vector and action embeddings, got shapes"):
        ActorBigModule.from_context(BuildContext(in_shapes=shapes))


@pytest.mark.parametrize(("sizes", "name"), [((2, 2, 0, 2), "bilinear_output_dim"), ((2, 2, 2, -1), "mlp_hidden_dim")])
def test_sizes_are_positive(sizes: tuple[int, int, int, int], name: str) -> None:
    with pytest.raises(ConfigError, match=f"{name} must be a positive integer"):
        ActorBigModule(*sizes)
