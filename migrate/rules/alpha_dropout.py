"""`AlphaDropout` -> `AlphaDropoutModule`: `p` leaves `nn_params`; `inplace`, which torch ignores, is refused."""

from migrate.rule import Rule, key

RULE = Rule(
    old="nn_layer_library.AlphaDropout",
    new="AlphaDropoutModule",
    keys=(key("nn_params.p", "p", 0.5, 0.5),),
)
