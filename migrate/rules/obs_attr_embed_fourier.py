"""`ObsAttrEmbedFourier` -> `ObsAttrEmbedFourierModule`: attributes are called features."""

from migrate.rule import Move, Rule, key

RULE = Rule(
    old="obs_tokenizers.ObsAttrEmbedFourier",
    new="ObsAttrEmbedFourierModule",
    ignores_params=True,
    legacy=(("E6a", "ObsAttrEmbedFourier"),),
    keys=(
        key("attr_embed_dim", "embedding_dim", attribute="_attr_embed_dim"),
        key("num_freqs", "num_frequencies", 3, 3, attribute="_num_freqs"),
    ),
    state=lambda _: (Move("frequencies", "frequencies"), Move("_attr_embeds.weight", "feature_embedding")),
    derived=frozenset({"_coord_rep_dim", "_value_dim", "_feat_dim", "_max_embeds", "_mu"}),
)
