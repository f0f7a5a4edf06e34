"""A graph is what the old stack takes: it says what a component announces and gives, and refuses what it refuses."""

from __future__ import annotations

import pytest

from equivalence.case import Setup
from equivalence.graphs import Graph, RefusedError
from equivalence.growing import is_misread
from equivalence.supply import Supply


def test_a_shape_that_the_old_stack_announces_wrongly_is_told_from_the_true_one() -> None:
    graph = Graph(Setup(obs_shape=(4, 5, 2)))
    pixels = Supply(graph).pixels()
    pool = graph.add("max_pool2d", pixels)
    assert (pool.announced, pool.shape, pool.honest) == ((2, 4, 5), (2, 2, 2), False)
    assert pixels.honest


def test_a_component_of_another_era_is_refused() -> None:
    graph = Graph(Setup(era="E3"))
    with pytest.raises(RefusedError, match="relu: not in E3"):
        graph.add("relu", Supply(graph).pixels())


def test_merges_of_eras_in_which_none_could_be_built_are_refused() -> None:
    graph = Graph(Setup(era="E2c"))
    with pytest.raises(RefusedError, match="trap 17"):
        graph.add("add_merge", Supply(graph).pixels())


def test_a_second_writer_of_the_mask_is_refused() -> None:
    graph = Graph(Setup(obs_shape=(6, 3), era="E5e"))
    graph.add("obs_token_shaper", config={"atr_embed_dim": 2})
    with pytest.raises(RefusedError, match="writes the mask that obs_token_shaper_0 writes"):
        graph.add("obs_token_shaper", config={"atr_embed_dim": 2})


def test_a_mask_is_only_there_for_what_depends_on_its_writer() -> None:
    graph = Graph(Setup(obs_shape=(6, 3), era="E6a", window=(5, 5), features=tuple(range(6))))
    supply = Supply(graph)
    aside = supply.shaped((6, 4))
    supply.tokens()
    with pytest.raises(RefusedError, match="obs_mask"):
        graph.add("obs_self_attn", aside, config={"out_dim": 4, "use_mask": True})


def test_names_of_components_that_were_taken_out_are_free_again_and_never_double() -> None:
    graph = Graph(Setup())
    pixels = Supply(graph).pixels()
    first, _second = graph.add("relu", pixels), graph.add("relu", pixels)
    graph.discard([first])
    assert graph.add("relu", pixels).name == "relu_0"
    assert graph.add("relu", pixels).name == "relu_2"


def test_merges_whose_announced_shape_is_wrong_are_read_through_a_slice() -> None:
    graph = Graph(Setup(obs_shape=(4, 4, 2)))
    supply = Supply(graph)
    merge = graph.add("add_merge", (supply.pixels(), {"slice": [0, 3], "dim": 2}))
    assert is_misread(merge)
    assert supply.cut(merge).announced == supply.cut(merge).shape == (2, 3, 4)
