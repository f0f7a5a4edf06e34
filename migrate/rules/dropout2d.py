"""`Dropout2d` -> `Dropout2dModule`: the options of `nn.Dropout2d` leave `nn_params`."""

from migrate.rule import Rule, key

RULE = Rule(
    old="nn_layer_library.Dropout2d",
    new="Dropout2dModule",
    keys=(
        key("nn_params.p", "p", 0.5, 0.5),
        key("nn_params.inplace", "inplace", False, False),
    ),
)
