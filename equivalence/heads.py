"""The ends of an old agent: its core and what it answers, in the words of its era."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from equivalence.graphs import Graph, Node
from equivalence.supply import Supply

NONE: dict[str, Any] = {"nonlinearity": None}
TANH: dict[str, Any] = {"nonlinearity": "nn.Tanh"}


def core_config(graph: Graph, layers: int = 2, **params: Any) -> dict[str, Any]:
    """The config of a core; until E7 its size stood beside `nn_params`."""
    params = {"num_layers": layers, **params}
    if graph.era.is_since("E8"):
        return {"nn_params": {"hidden_size": graph.core_size, **params}}
    return {"output_size": graph.core_size, "nn_params": params}


def add_core(graph: Graph, encoded: Node, config: Mapping[str, Any] | None = None) -> Node:
    """The recurrent component."""
    return graph.add("lstm", encoded, config=config or core_config(graph), name="_core_")


def add_value(supply: Supply, node: Node) -> Node:
    """What the agent expects."""
    return supply.linear(node, 1, name="_value_", **NONE)


def add_two_heads(graph: Graph, node: Node, config: Mapping[str, Mapping[str, Any]]) -> None:
    """Type and parameter of the action, until E3."""
    for stem in ("action_type", "action_param"):
        graph.add(stem, node, config=config.get(stem, NONE), name=f"_{stem}_")


def add_embeddings(graph: Graph, config: Mapping[str, Any]) -> Node:
    """The table of actions, since E4."""
    return graph.add("action_embedding", config=config, name="_action_embeds_")


def add_actor(graph: Graph, stem: str, node: Node, embeds: Node, config: Mapping[str, Any], query: str = "") -> Node:
    """Scores of actions, since E4.

    Args:
        graph: the agent.
        stem: of the actor; of the second half, where the actor of the era is in two.
        node: what it reads.
        embeds: the table of actions.
        config: of the actor.
        query: name of the first half, where there are two.
    """
    if stem == "actor_key_single_head":
        node = graph.add("actor_query_single_head", node, embeds, name=query)
    return graph.add(stem, node, embeds, config=config, name="_action_")
