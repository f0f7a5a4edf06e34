"""`ActorQuerySingleHeadModule` and `ActorKeySingleHeadModule`."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from modules.base import BuildContext
from modules.errors import ConfigError
from modules.layers.actor_key_single_head import ActorKeySingleHeadModule
from modules.layers.actor_query_single_head import ActorQuerySingleHeadModule

BOTH: list[Any] = [ActorQuerySingleHeadModule, ActorKeySingleHeadModule]


@given(*[st.integers(1, 5)] * 4)
def test_a_logit_is_the_score_of_a_query_and_an_embedding(rows: int, actions: int, hidden: int, width: int) -> None:
    query, key = ActorQuerySingleHeadModule(hidden, width), ActorKeySingleHeadModule(width)
    h, e = torch.randn(rows, hidden), torch.randn(rows, actions, width)
    asked = query({"hidden": h, "action_embeddings": e})["query"]
    torch.testing.assert_close(asked, torch.tanh(h @ query.W))
    logits = key({"query": asked, "action_embeddings": e})["logits"]
    torch.testing.assert_close(logits, (e @ asked.unsqueeze(2)).squeeze(2) + key.bias)


@pytest.mark.parametrize("cls", BOTH)
@pytest.mark.parametrize("shapes", [(), ((3,),), ((0, 3), (4,)), ((3,), (4,))])
def test_the_sources_are_a_vector_and_embeddings(cls: Any, shapes: tuple[tuple[int, ...], ...]) -> None:
    with pytest.raises(ConfigError, match="needs two sources, a vector and action embeddings, got shapes"):
        cls.from_context(BuildContext(in_shapes=shapes))


def test_query_and_embeddings_have_one_size() -> None:
    with pytest.raises(ConfigError, match=r"^query and action embeddings must have one size, got shapes \(\(3,\)"):
        ActorKeySingleHeadModule.from_context(BuildContext(in_shapes=((3,), (0, 4))))
    assert ActorKeySingleHeadModule.from_context(BuildContext(in_shapes=((4,), (0, 4)))) == {"embedding_dim": 4}


def test_what_comes_out() -> None:
    assert ActorQuerySingleHeadModule.output_shape(((3,), (0, 4)), {"hidden_size": 3, "embedding_dim": 4}) == (4,)
    assert ActorKeySingleHeadModule.output_shape(((4,), (0, 4)), {"embedding_dim": 4}) == (0,)


@pytest.mark.parametrize(
    ("cls", "sizes", "name"),
    [(BOTH[0], (0, 2), "hidden_size"), (BOTH[0], (2, 0), "embedding_dim"), (BOTH[1], (0,), "embedding_dim")],
)
def test_sizes_are_positive(cls: Any, sizes: tuple[int, ...], name: str) -> None:
    with pytest.raises(ConfigError, match=f"^{name} must be a positive integer, got 0$"):
        cls(*sizes)
