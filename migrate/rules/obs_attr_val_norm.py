"""`ObsAttrValNorm` -> `ObsAttrValNormModule`: its two errors become options (trap 30).

It divided each feature by its own number instead of its normalization and cut the quotient to uint8; trained weights
depend on both. The divisors are in the state dict, for a remapping may have put the right ones there (trap 31).
"""

from migrate.rule import Move, Rule

RULE = Rule(
    old="obs_tokenizers.ObsAttrValNorm",
    new="ObsAttrValNormModule",
    ignores_params=True,
    legacy=(("E6a", "ObsAttrValNorm"),),
    fixed={"divide_by": "feature_id", "truncate": True},
    state=lambda _: (Move("_norm_factors", "divisors"),),
    derived=frozenset({"_feature_normalizations", "_max_embeds"}),
)
