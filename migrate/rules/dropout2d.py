"""`Dropout2d` -> `Dropout2dModule`: the options of `nn.Dropout2d` leave `nn_params`."""

from migrate.rule import Rule, key

RULE = Rule(
    old="nn_layer_library.Dropout2d",
    new="Dropout2dModule",
    legacy=(("E1", "Dropout2dE1"), ("E2a", "Dropout2dE2"), ("E4a", "Dropout2d")),
    keys=(
        key("nn_params.p", "p", 0.5, 0.5),
        key("nn_params.inplace", "inplace", False, False),
    ),
)
