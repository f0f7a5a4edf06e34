"""`AlphaDropout` -> `AlphaDropoutModule`: `p` leaves `nn_params`; `inplace`, which torch ignores, is refused."""

from migrate.rule import Rule, key

RULE = Rule(
    old="nn_layer_library.AlphaDropout",
    new="AlphaDropoutModule",
    legacy=(("E1", "AlphaDropoutE1"), ("E2a", "AlphaDropoutE2"), ("E4a", "AlphaDropout")),
    keys=(key("nn_params.p", "p", 0.5, 0.5),),
)
