"""`ObsAttrCoordEmbed` -> `ObsAttrCoordEmbedModule`: attributes are called features, coordinates cells."""

from migrate.eras import END
from migrate.rule import Move, Rule, key

RULE = Rule(
    old="obs_tokenizers.ObsAttrCoordEmbed",
    new="ObsAttrCoordEmbedModule",
    ignores_params=True,
    legacy=(("E6a", "ObsAttrCoordEmbed"),),
    keys=(key("attr_embed_dim", "embedding_dim", attribute="_attr_embed_dim"),),
    state=lambda _: (
        Move("_coord_embeds.weight", "cell_embedding"),
        Move("_attr_embeds.weight", "feature_embedding"),
    ),
    derived=frozenset({"_value_dim", "_feat_dim", "_max_embeds"}),
    recorded=END,
)
