"""Drawn agents are ones that the old stack builds and runs, cover what old configs could say, and come out equal."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
import torch
import yaml
from hypothesis import HealthCheck, Phase, find, given, seed, settings
from hypothesis import strategies as st

from equivalence.architectures import ACTORS, DATES, Architecture, architectures, shared
from equivalence.case import EVER, Setup
from equivalence.graphs import Graph, Node, existed, sources_in
from equivalence.growing import MERGES
from equivalence.heads import add_actor, add_core, add_embeddings, add_two_heads, add_value
from equivalence.hosts import hosts
from equivalence.proof import prove
from equivalence.stirring import build
from equivalence.supply import Supply
from migrate.eras import Era, below_root
from migrate.registry import stem_of_old
from modules.errors import MettaError

SAMPLE = 120
QUIET = settings(database=None, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))


def sample(count: int, start: int = 0) -> list[Architecture]:
    found: list[Architecture] = []

    @seed(start)
    @settings(QUIET, max_examples=count)
    @given(architectures())
    def draw(architecture: Architecture) -> None:
        found.append(architecture)

    draw()
    return found


@cache
def large_sample(start: int) -> list[Architecture]:
    return sample(SAMPLE, start)


@pytest.fixture(scope="module")
def drawn() -> list[Architecture]:
    return large_sample(0)


def stems(architecture: Architecture) -> list[str]:
    return [stem_of_old(component["_target_"], "test") for component in architecture.components.values()]


def sources(architecture: Architecture) -> list[dict[str, Any]]:
    return [source for component in architecture.components.values() for source in component.get("sources") or ()]


def is_one_row_of_actions(architecture: Architecture) -> bool:
    return architecture.actions[1] == [0]


def has_skip(architecture: Architecture) -> bool:
    """Whether a merge reads a component and what that component is made of."""
    components = architecture.components

    def above(name: str) -> set[str]:
        return {name}.union(*(above(source) for source in sources_in(components[name])))

    merges = [c for c in components.values() if stem_of_old(c["_target_"], "test") in MERGES]
    read = [sources_in(merge) for merge in merges]
    return any(a != b and a in above(b) for names in read for a in names for b in names)


WHAT: dict[str, Callable[[Architecture], bool]] = {
    "boxes": lambda a: len(a.environment.obs_shape) == 3,
    "tokens": lambda a: len(a.environment.obs_shape) == 2,
    "tokens read as a box and as tokens": lambda a: {"obs_token_to_box_shaper", "obs_token_pad_strip"} <= set(stems(a)),
    "slices": lambda a: any("slice" in source for source in sources(a)),
    "one source twice": lambda a: any(len(each) > len(set(each)) for each in map(sources_in, a.components.values())),
    "shared sources": lambda a: bool(shared(a)),
    "skips": has_skip,
    "two heads": lambda a: "action_type" in stems(a),
    "one layer in the core": lambda a: a.components["_core_"]["nn_params"]["num_layers"] == 1,
    "two layers in the core": lambda a: a.components["_core_"]["nn_params"]["num_layers"] == 2,
    "many actions": lambda a: len(set(a.actions[1])) > 2,
    "one action": is_one_row_of_actions,
    "no clipping": lambda a: "clip_range: 0\n" in a.text,
    "clipping": lambda a: "clip_range: 0.5" in a.text,
    "a job around the agent": lambda a: "agent" in yaml.safe_load(a.text),
    "readers in front of their sources": lambda a: next(iter(a.components)) != "_obs_",
    "another nonlinearity": lambda a: any("nonlinearity" in component for component in a.components.values()),
    "another initialisation": lambda a: any("initialization" in component for component in a.components.values()),
}


@pytest.mark.parametrize("what", [*WHAT, *MERGES])
def test_what_old_configs_could_say_is_drawn(what: str) -> None:
    """In the first sample; what a seed draws depends on what else was imported, so others may help."""
    is_there = WHAT.get(what, lambda architecture: what in stems(architecture))
    assert any(sum(map(is_there, large_sample(start))) >= 2 for start in range(4))


def test_every_actor_and_every_era_are_drawn() -> None:
    def has(actor: str) -> Callable[[Architecture], bool]:
        return lambda architecture: actor in stems(architecture)

    for actor in ACTORS:
        dates = [date for date in DATES if existed(actor, Era(date))]
        assert find(architectures(dates), has(actor), settings=settings(QUIET, max_examples=500)).text
    assert set(EVER) < set(DATES)
    assert {Era(date).name for date in DATES} == {Era(each).name for each in DATES}


@pytest.mark.parametrize("stem", hosts())
def test_every_component_is_drawn(drawn: list[Architecture], stem: str) -> None:
    if any(stem in stems(architecture) for architecture in drawn):
        return
    dates = [date for date in DATES if existed(stem, Era(date))]
    likely = architectures(dates, ["reshape"] if stem == "batch_reshape" else [stem])
    find(likely, lambda architecture: stem in stems(architecture), settings=settings(QUIET, max_examples=500))


def test_agents_are_small(drawn: list[Architecture]) -> None:
    for architecture in drawn:
        assert len(architecture.components) <= 30
        assert max(architecture.environment.obs_shape) <= 12


def test_the_simplest_agent_has_no_more_than_it_needs() -> None:
    simplest = find(architectures(["E4d"]), lambda _: True, settings=QUIET)
    assert [below_root(c["_target_"]).rpartition(".")[2] for c in simplest.components.values()] == [
        "ObsShaper", "ObservationNormalizer", "Flatten", "LSTM", "Linear", "ActionEmbedding", "MettaActorSingleHead",
    ]  # fmt: skip


def test_one_seed_draws_the_same_agents_whatever_state_torch_is_in() -> None:
    torch.manual_seed(1)
    one = sample(10, start=5)
    torch.manual_seed(2)
    assert sample(10, start=5) == one


def test_drawing_leaves_torch_s_random_numbers_alone() -> None:
    torch.manual_seed(1)
    before = torch.get_rng_state()
    sample(5)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.slow
@settings(QUIET, derandomize=True, max_examples=6)
@given(architectures())
def test_every_drawn_agent_is_equal_in_both_stacks(architecture: Architecture) -> None:
    for result in prove(architecture.build(), examples=2):
        assert not result.differences, (result.level, result.blamed, result.differences, architecture.text)


@settings(QUIET, derandomize=True, max_examples=8)
@given(architectures(), st.integers(0, 99))
def test_a_drawn_agent_is_built_from_its_text_alone(architecture: Architecture, other: int) -> None:
    pair, again = architecture.build(), Architecture(**vars(architecture)).build()
    torch.manual_seed(other)
    for name, value in pair.new.state_dict().items():
        assert torch.equal(value, again.new.state_dict()[name])


def small(era: str, put: Callable[[Graph, Supply], Node]) -> Graph:
    """An agent of one action around a component."""
    shape = (6, 3) if Era(era).is_since("E6a") else (4, 4, 2)
    graph = Graph(Setup(obs_shape=shape, actions=("noop_0",), era=era))
    supply = Supply(graph)
    core = add_core(graph, supply.linear(supply.vector(put(graph, supply)), 3))
    add_value(supply, core)
    if not graph.era.is_since("E4a"):
        add_two_heads(graph, core, {})
        return graph
    embeds = add_embeddings(graph, {"nn_params": {"num_embeddings": 3, "embedding_dim": 2}})
    add_actor(graph, "actor_single_head", core, embeds, {})
    return graph


def _bilinear_of_images(graph: Graph, supply: Supply) -> Node:
    """As many channels as columns, so that the old layer fits, though it announces a vector."""
    images = supply.image((4, 4, 4)), supply.image((4, 4, 4))
    both = graph.add("bilinear", *images, config={"nn_params": {"out_features": 4}})
    return graph.add("concat_merge", images[0], both)


def _slice_of_split_rows(graph: Graph, supply: Supply) -> Node:
    repeated = graph.add(
        "expand", supply.linear(supply.vector(supply.pixels()), 1), config={"expand_dim": 1, "expand_value": 4}
    )
    split = graph.add("batch_reshape", graph.add("reshape", repeated, config={"popped_dim": 1, "squeezed_dim": 0}))
    return graph.add("concat_merge", (split, {"slice": [1, 3], "dim": 1}))


KNOWN: dict[str, tuple[str, Callable[[Graph, Supply], Node]]] = {
    "sums of slices that a pool reads": (
        "E4d",
        lambda graph, supply: graph.add(
            "adaptive_avg_pool2d", graph.add("add_merge", (supply.image((4, 4, 4)), {"slice": [0, 3], "dim": 1}))
        ),
    ),
    "bilinear layers of images": ("E4d", _bilinear_of_images),
    "linear layers of images of E1 to E3, with as many channels as columns": (
        "E3",
        lambda graph, supply: graph.add("linear", supply.image((4, 4, 4)), config={"output_size": 4}),
    ),
    "embeddings of what is embedded": (
        "E7a",
        lambda graph, supply: graph.add("obs_attr_coord_value_embed", supply.features(4), config={"attr_embed_dim": 2}),
    ),
    "slices of rows that were split, beyond the shape that the era announced": ("E4d", _slice_of_split_rows),
    "pools of E1 to E3": ("E3", lambda graph, supply: graph.add("avg_pool2d", supply.pixels())),
}
"""Agents that the old stack runs and the new one builds otherwise, for which no architectures are drawn."""


@pytest.mark.parametrize("what", KNOWN)
def test_what_is_not_drawn_since_the_new_stack_builds_it_otherwise_still_is_built_otherwise(what: str) -> None:
    graph = small(*KNOWN[what])
    differs = True
    with contextlib.suppress(MettaError):
        pair = build(graph.config(), graph.environment, (["noop"], [0]))
        differs = any(result.differences for result in prove(pair, levels=["weights", "inference"], examples=3))
    assert differs


def _middle_of_expanded_features(graph: Graph, supply: Supply) -> Node:
    expanded = graph.add("expand", supply.pixels(), config={"expand_dim": 3, "expand_value": 2})
    return graph.add("concat_merge", (graph.add("center_pixel", expanded), {"slice": [0, 2], "dim": 2}))


def test_the_middle_of_a_tensor_with_more_dimensions_than_an_image_is_what_it_was_in_the_old_stack() -> None:
    graph = small("E5a", _middle_of_expanded_features)
    pair = build(graph.config(), graph.environment, (["noop"], [0]))
    assert all(result.equal for result in prove(pair, levels=["weights", "component", "inference"], examples=3))
