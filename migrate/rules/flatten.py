"""`Flatten` -> `FlattenModule`."""

from migrate.rule import Rule

RULE = Rule(old="nn_layer_library.Flatten", new="FlattenModule")
