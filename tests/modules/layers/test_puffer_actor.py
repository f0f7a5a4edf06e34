from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from modules.base import BuildContext
from modules.errors import ConfigError
from modules.layers.puffer_actor import PufferActorModule


@given(*[st.integers(1, 5)] * 3)
def test_a_logit_is_an_inner_product(rows: int, actions: int, size: int) -> None:
    h, e = torch.randn(rows, size), torch.randn(rows, actions, size)
    logits = PufferActorModule(size, size)({"hidden": h, "action_embeddings": e})["logits"]
    torch.testing.assert_close(logits, torch.einsum("nh,nah->na", h, e))


@given(*[st.integers(1, 5)] * 4)
def test_or_a_product_of_sums_where_it_is_to_do_as_the_old_stack(rows: int, actions: int, h: int, e: int) -> None:
    hidden, embeds = torch.randn(rows, h), torch.randn(rows, actions, e)
    logits = PufferActorModule(h, e, product="of_sums").compute(hidden, embeds)
    torch.testing.assert_close(logits, hidden.sum(1, keepdim=True) * embeds.sum(2), atol=1e-4, rtol=1e-4)


def test_another_product_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"^product must be inner or of_sums, got 'outer'$"):
        PufferActorModule(3, 3, product="outer")


def test_an_inner_product_needs_two_vectors_of_one_size() -> None:
    with pytest.raises(ConfigError, match=r"^an inner product needs two vectors of one size, got 3 and 4$"):
        PufferActorModule(3, 4)


@pytest.mark.parametrize("shapes", [(), ((3,),), ((0, 3), (4,)), ((3,), (4,))])
def test_the_sources_are_a_vector_and_embeddings(shapes: tuple[tuple[int, ...], ...]) -> None:
    with pytest.raises(ConfigError, match="needs two sources, a vector and action embeddings, got shapes"):
        PufferActorModule.from_context(BuildContext(in_shapes=shapes))
