"""`Flatten` -> `FlattenModule`."""

from migrate.rule import Rule

RULE = Rule(
    old="nn_layer_library.Flatten",
    new="FlattenModule",
    ignores_params=True,
    legacy=(("E1", "FlattenE1"), ("E2a", "FlattenE2"), ("E4a", "Flatten")),
)
