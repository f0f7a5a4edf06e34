"""`ObsTokenCatFourier` -> `ObsTokenCatFourierModule`, which says how the old one took padding (traps 35 and 36).

The 11 cells that coordinates are scaled for were a constant; they become an option.
"""

from migrate.rule import Move, Rule, key

RULE = Rule(
    old="obs_enc.ObsTokenCatFourier",
    new="ObsTokenCatFourierModule",
    ignores_params=True,
    keys=(
        key("atr_embed_dim", "embed_dim", attribute="_atr_embed_dim"),
        key("num_freqs", "num_freqs", 3, 3, attribute="_num_freqs"),
    ),
    fixed={"cells": 11, "mask": "attribute_zero", "zero_padding": False},
    state=lambda _: (
        Move("_norm_factors", "divisors"),
        Move("frequencies", "frequencies"),
        Move("_atr_embeds.weight", "attribute_weight"),
    ),
    derived=frozenset(
        {
            *("_obs_shape", "_coord_embed_dim", "_value_dim", "_feat_dim", "M", "_feature_normalizations"),
            *("_max_embeds", "_mu"),
        }
    ),
)
