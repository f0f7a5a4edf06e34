"""`Identity` -> `IdentityModule`; it has neither options nor state."""

from migrate.rule import Rule

RULE = Rule(
    old="nn_layer_library.Identity",
    new="IdentityModule",
    ignores_params=True,
    legacy=(("E1", "IdentityE1"), ("E2a", "IdentityE2"), ("E4a", "Identity")),
)
