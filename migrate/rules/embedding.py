"""`Embedding` -> `EmbeddingModule`: sizes leave `nn_params`, the table keeps its name."""

from migrate.rule import Move, Rule, key

RULE = Rule(
    old="nn_layer_library.Embedding",
    new="EmbeddingModule",
    keys=(
        key("nn_params.num_embeddings", "num_embeddings"),
        key("nn_params.embedding_dim", "embedding_dim"),
    ),
    state=lambda _: (Move("_net.weight", "weight"),),
)
