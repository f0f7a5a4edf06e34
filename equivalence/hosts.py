"""`host`: a small whole agent around one component, in both stacks, with weights that hide no mistake."""

from __future__ import annotations

from copy import deepcopy
from functools import cache

from equivalence.case import Setup, cases
from equivalence.finding import Pair
from equivalence.graphs import Graph, Node
from equivalence.heads import NONE, TANH, add_actor, add_core, add_embeddings, add_two_heads, add_value
from equivalence.pairs import DEFAULT_ACTIONS
from equivalence.stirring import Actions, build, stir
from equivalence.supply import Supply
from migrate.eras import Era, just_before
from migrate.recognise import CLASSES
from migrate.registry import rules

TESTED = "component_under_test"
"""Name of the tested component, but for those that agents look for by name."""
NAMES = {
    "lstm": "_core_",
    "action_embedding": "_action_embeds_",
    "action_type": "_action_type_",
    "action_param": "_action_param_",
    "actor_single_head": "_action_",
    "actor_big": "_action_",
    "puffer_actor": "_action_",
    "actor_key_single_head": "_action_",
}
WITHOUT_HOST = {
    "conv1d": "no component of E1 to E3 gave a sequence, so no old agent ever ran one",
    "embedding": "no component gives indices when observations are bytes, so no old agent ever ran one",
    "feature_list_normalizer": "no old agent could be built with it",
}
"""Stems that no old agent that runs can hold, and why."""

BOX, TOKENS, WINDOW, FEATURES = (5, 4, 3), (12, 3), (5, 5), tuple(range(6))
OF_TOKENS = ("obs_vanilla_attn", "obs_cross_attn", "obs_slot_attn", "obs_latent_attn", "obs_self_attn")
SMALL = {"hidden": 7, "embedding": 5, "rows": 16}


def hosts() -> tuple[str, ...]:
    """Stems that have a host."""
    return tuple(stem for stem in cases() if stem not in WITHOUT_HOST)


def subject(stem: str) -> str:
    """Name of the tested component in the host of a stem."""
    return NAMES.get(stem, TESTED)


def host(stem: str, setup: Setup | None = None) -> Pair:
    """An agent of each stack around one component, from one seed, then stirred; the caller's own.

    Args:
        stem: of the component.
        setup: how it is built; that of its case if not given.

    Raises:
        LookupError: a stem of `WITHOUT_HOST`.
        RefusedError: a setup that the old stack cannot have inside of an agent.
    """
    return deepcopy(_usual(stem)) if setup is None else _made(stem, setup)


@cache
def _usual(stem: str) -> Pair:
    return _made(stem, usual_setup(stem))


def _made(stem: str, setup: Setup) -> Pair:
    graph = host_graph(stem, setup)
    pair = build(graph.config(), graph.environment, actions_for(setup))
    stir(pair, 1)
    return pair


def usual_setup(stem: str) -> Setup:
    """The setup of a stem's case for hosts."""
    setup = cases()[stem].host
    if stem in WITHOUT_HOST or setup is None:
        raise LookupError(f"{stem}: {WITHOUT_HOST.get(stem, 'its case names no host')}")
    return setup


def actions_for(setup: Setup) -> Actions:
    """As many of the default actions as the setup's table of actions has rows for, the first of which is unused."""
    rows = setup.config.get("nn_params", {}).get("num_embeddings", SMALL["rows"])
    names, largest = DEFAULT_ACTIONS
    fitting = [i for i in range(1, len(names) + 1) if sum(largest[:i]) + i < rows]
    return names[: fitting[-1]], largest[: fitting[-1]]


def host_graph(stem: str, setup: Setup) -> Graph:
    """The old agent around a component.

    Raises:
        RefusedError: a setup that the old stack cannot have inside of an agent.
    """
    memory = setup.config.get("nn_params", {}).get("hidden_size") if stem == "lstm" else setup.config.get("hidden_size")
    own = setup.config.get("output_size") if stem == "lstm" else None
    graph = Graph(_world(stem, setup), core_size=memory or own or SMALL["hidden"])
    supply = Supply(graph)
    node = supply.pixels() if stem in NAMES else _placed(supply, stem, setup)
    width = _source_size(setup) if stem == "lstm" else 6
    core = add_core(
        graph,
        supply.linear(supply.vector(node), width, name="encoded_obs", **NONE),
        setup.config if stem == "lstm" else None,
    )
    add_value(supply, supply.linear(core, 6, name="critic_1", **TANH))
    _add_action(supply, core, stem, setup)
    return graph


def _era_of(stem: str, setup: Setup) -> str:
    """The setup's era; the last date at which the component was there, if that was in the midst of the era."""
    era, clue = Era(setup.era), CLASSES.get(rules()[stem].old)
    return just_before(clue.before) if clue is not None and era.is_since(clue.before) else setup.era


def _placed(supply: Supply, stem: str, setup: Setup) -> Node:
    """The tested component, behind sources that it may have."""
    if stem == "actor_query_single_head":
        return supply.pixels()
    sources = supply.sources(setup.sources or (), of_tokens=stem in OF_TOKENS)
    if stem == "reshape":
        sources = [(supply.contiguous(node), extra) for node, extra in sources]
    return supply.graph.add(stem, *sources, config=setup.config, name=TESTED)


def _add_action(supply: Supply, core: Node, stem: str, setup: Setup) -> None:
    graph, own = supply.graph, {stem: setup.config}
    size = _source_size(setup) if stem.startswith(("action_", "actor_", "puffer")) and setup.sources else 5
    hidden = supply.linear(core, size, name="actor_1", **TANH)
    if not graph.era.is_since("E4a"):
        add_two_heads(graph, hidden, own)
        return
    is_actor = stem.startswith(("actor_", "puffer"))
    width = setup.sources[1].shape[1] if is_actor and setup.sources else SMALL["embedding"]
    table = {"nn_params": {"num_embeddings": SMALL["rows"], "embedding_dim": width}}
    embeds = add_embeddings(graph, own.get("action_embedding", table))
    usual = "actor_key_single_head" if graph.era.is_since("2025-09-03") else "actor_single_head"
    actor = stem if NAMES.get(stem) == "_action_" else usual
    query = TESTED if stem == "actor_query_single_head" else "actor_query"
    add_actor(graph, actor, hidden, embeds, own.get(actor, {}), query)


def _source_size(setup: Setup) -> int:
    return setup.sources[0].shape[0] if setup.sources else 6


def _world(stem: str, setup: Setup) -> Setup:
    """What the agent observes: as the setup says where the component reads it, else something small."""
    era = Era(_era_of(stem, setup))
    shape = next((source.actual or source.shape for source in setup.sources or ()), ())
    reads = stem.startswith("obs_")
    window, features = (setup.window, setup.features) if reads else (WINDOW, FEATURES)
    if stem == "observation_normalizer":
        window, features = (shape[1], shape[2]), tuple(range(shape[0]))
        obs = TOKENS if era.is_since("E6a") else setup.obs_shape
    elif setup.sources is None and reads:
        obs = setup.obs_shape
    elif era.is_since("E6a"):
        obs = TOKENS
    elif stem in OF_TOKENS:
        obs = (shape[0], 3)
    else:
        obs = (*shape[1:], 3) if len(shape) == 3 else BOX
    actions = tuple(f"{name}_{i}" for name, most in zip(*actions_for(setup), strict=True) for i in range(most + 1))
    return Setup(
        obs_shape=obs, clip_range=setup.clip_range, actions=actions, era=era.date, window=window, features=features
    )
