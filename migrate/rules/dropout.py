"""`Dropout` -> `DropoutModule`: the options of `nn.Dropout` leave `nn_params`."""

from migrate.rule import Rule, key

RULE = Rule(
    old="nn_layer_library.Dropout",
    new="DropoutModule",
    legacy=(("E1", "DropoutE1"), ("E2a", "DropoutE2"), ("E4a", "Dropout")),
    keys=(
        key("nn_params.p", "p", 0.5, 0.5),
        key("nn_params.inplace", "inplace", False, False),
    ),
)
