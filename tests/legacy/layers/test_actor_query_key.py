"""`MettaActorQuerySingleHead` and `MettaActorKeySingleHead`."""

from __future__ import annotations

import math

import torch

from legacy.layers.actor_key_single_head import MettaActorKeySingleHead
from legacy.layers.actor_query_single_head import MettaActorQuerySingleHead
from legacy.layers.actor_single_head import MettaActorSingleHead
from tests.legacy._build import Source, build, run

HIDDEN = Source("hidden", torch.randn(5, 4, generator=torch.Generator().manual_seed(0)))
EMBEDS = Source("embeds", torch.randn(5, 2, 3, generator=torch.Generator().manual_seed(1)), [0, 3])


def test_together_they_score_as_the_actor_that_they_replace() -> None:
    query, before = build(MettaActorQuerySingleHead, HIDDEN, EMBEDS), build(MettaActorSingleHead, HIDDEN, EMBEDS)
    key = build(MettaActorKeySingleHead, Source("query", run(query).detach()), EMBEDS)
    query.W.data, key.bias.data = before.W.data[0], before.bias.data
    key._source_components["query"].value = run(query)
    torch.testing.assert_close(run(key), run(before))


def test_the_query_announces_the_size_of_an_embedding_and_the_key_nothing() -> None:
    query = build(MettaActorQuerySingleHead, HIDDEN, EMBEDS)
    key = build(MettaActorKeySingleHead, Source("query", torch.zeros(5, 3)), EMBEDS)
    assert (query._out_tensor_shape, query.hidden, query.embed_dim) == ([3], 4, 3)
    assert not {"_out_tensor_shape", "hidden", "embed_dim"} & vars(key).keys()  # as in recorded checkpoints


def test_weights_are_uniform_within_the_root_of_the_first_source() -> None:
    query = build(MettaActorQuerySingleHead, HIDDEN, EMBEDS)
    key = build(MettaActorKeySingleHead, Source("query", torch.zeros(5, 3)), EMBEDS)
    assert {name: tuple(p.shape) for name, p in query.named_parameters()} == {"W": (4, 3)}
    assert {name: tuple(p.shape) for name, p in key.named_parameters()} == {"bias": (1,)}
    assert query.W.abs().max().item() <= 1 / math.sqrt(4)
    assert key.bias.abs().item() <= 1 / math.sqrt(3)
