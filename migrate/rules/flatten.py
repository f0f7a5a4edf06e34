"""`Flatten` -> `FlattenModule`; until E3 a config could say the size, and a reader's weights were as wide as that."""

from migrate.rule import Key, Rule

SIZE = Key(("output_size",), ("out_features",), (None,), (None,), attribute=("_output_size",), implied_by="_input_size")

RULE = Rule(
    old="nn_layer_library.Flatten",
    new="FlattenModule",
    ignores_params=True,
    legacy=(("E1", "FlattenE1"), ("E2a", "FlattenE2"), ("E4a", "Flatten")),
    keys_before=(("E4a", (SIZE,)),),
)
