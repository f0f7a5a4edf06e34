"""`ObsTokenCat` -> `ObsTokenCatModule`, which says how the old one took padding (traps 35 and 36)."""

from migrate.eras import END
from migrate.rule import Move, Rule, key

RULE = Rule(
    old="obs_enc.ObsTokenCat",
    new="ObsTokenCatModule",
    ignores_params=True,
    keys=(
        key("atr_embed_dim", "embed_dim", attribute="_atr_embed_dim"),
        key("coord_embed_dim", "cell_embed_dim", attribute="_coord_embed_dim"),
    ),
    fixed={"mask": "attribute_zero", "zero_padding": False},
    state=lambda _: (
        Move("_norm_factors", "divisors"),
        Move("_atr_embeds.weight", "attribute_weight"),
        Move("_coord_embeds.weight", "cell_weight"),
    ),
    derived=frozenset({"_obs_shape", "_value_dim", "_feat_dim", "M", "_feature_normalizations", "_max_embeds"}),
    recorded=END,
)
