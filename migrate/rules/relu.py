"""`ReLU` -> `ReLUModule`; it has no state, so whether it stands in a config is not seen in the weights (trap 7)."""

from migrate.rule import Rule

RULE = Rule(old="nn_layer_library.ReLU", new="ReLUModule", ignores_params=True)
