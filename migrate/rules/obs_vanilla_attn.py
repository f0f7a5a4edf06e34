"""`ObsVanillaAttn` -> `ObsVanillaAttnModule`; the output is projected where its size is not that of the source."""

from migrate.rule import Move, Rule, key

RULE = Rule(
    old="obs_enc.ObsVanillaAttn",
    new="ObsVanillaAttnModule",
    ignores_params=True,
    keys=(
        key("out_dim", "out_dim", attribute="_out_dim"),
        key("use_mask", "use_mask", False, False, attribute="_use_mask"),
    ),
    state=lambda _: (
        Move("W_qkv", "qkv_weight"),
        Move("b_qkv", "qkv_bias"),
        Move("_layer_norm_1.weight", "input_norm_weight"),
        Move("_layer_norm_1.bias", "input_norm_bias"),
        Move("_layer_norm_2.weight", "output_norm_weight"),
        Move("_layer_norm_2.bias", "output_norm_bias"),
        Move("_out_proj.weight", "output_weight", optional=True),
        Move("_out_proj.bias", "output_bias", optional=True),
    ),
    derived=frozenset({"_M", "_feat_dim", "_scale"}),
    recorded="E5d",
)
