"""`ObsAttrCoordValueEmbed` -> `ObsAttrCoordValueEmbedModule`: attributes are called features, coordinates cells."""

from migrate.eras import END
from migrate.rule import Move, Rule, key

RULE = Rule(
    old="obs_tokenizers.ObsAttrCoordValueEmbed",
    new="ObsAttrCoordValueEmbedModule",
    ignores_params=True,
    legacy=(("E6a", "ObsAttrCoordValueEmbed"),),
    keys=(key("attr_embed_dim", "embedding_dim", attribute="_attr_embed_dim"),),
    state=lambda _: (
        Move("_attr_embeds.weight", "feature_embedding"),
        Move("_coord_embeds.weight", "cell_embedding"),
        Move("_val_embeds.weight", "value_embedding"),
    ),
    derived=frozenset({"_feat_dim", "_max_embeds"}),
    recorded=END,
)
