"""`ObsTokenRoPE` -> `ObsTokenRoPEModule`, which says how the old one took padding (traps 35 and 36).

No checkpoint on record holds one: `_rope_base` is where it is taken to have kept the base.
"""

from migrate.eras import END
from migrate.rule import Move, Rule, key

RULE = Rule(
    old="obs_enc.ObsTokenRoPE",
    new="ObsTokenRoPEModule",
    ignores_params=True,
    keys=(
        key("atr_embed_dim", "embed_dim", attribute="_atr_embed_dim"),
        key("rope_base", "rope_base", 10000.0, 10000.0, attribute="_rope_base"),
    ),
    fixed={"mask": "attribute_zero", "zero_padding": False},
    state=lambda _: (
        Move("_norm_factors", "divisors"),
        Move("inv_freq", "frequencies"),
        Move("_atr_embeds.weight", "attribute_weight"),
    ),
    derived=frozenset({"_obs_shape", "_value_dim", "_feat_dim", "M", "_feature_normalizations", "_max_embeds"}),
    recorded=END,
)
