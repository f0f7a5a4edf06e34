"""`Identity` -> `IdentityModule`; it has neither options nor state."""

from migrate.rule import Rule

RULE = Rule(old="nn_layer_library.Identity", new="IdentityModule")
