"""`ActionEmbedding` -> `ActionEmbeddingModule`: the index from action name to row comes along (trap 1).

It depends on the history of activations and stood in a plain dict outside of the state dict. `initialization` was
stored and ignored.
"""

from migrate.rule import Attribute, Move, Rule, key

RULE = Rule(
    old="action.ActionEmbedding",
    new="ActionEmbeddingModule",
    legacy=(("E4a", "ActionEmbedding"), ("E8", "ActionEmbeddingE8"), ("2025-08-26", "ActionEmbedding0826")),
    keys=(
        key("nn_params.num_embeddings", "num_embeddings"),
        key("nn_params.embedding_dim", "embedding_dim"),
    ),
    state=lambda _: (Move("active_indices", "active_indices"), Move("_net.weight", "weight")),
    attributes=(Attribute("_reserved_action_embeds", "rows", dict, lambda value, _: dict(value)),),
    derived=frozenset({"num_actions"}),
    unread=frozenset({"initialization"}),
)
