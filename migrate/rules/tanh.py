"""`Tanh` -> `TanhModule`; it has no state, so whether it stands in a config is not seen in the weights."""

from migrate.rule import Rule

RULE = Rule(old="nn_layer_library.Tanh", new="TanhModule", ignores_params=True)
