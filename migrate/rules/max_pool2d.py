"""`MaxPool2d` -> `MaxPool2dModule`: what it did wrong becomes options (trap 28).

The kernel size is the number of channels, and components behind it are built for the shape of its input.
"""

from migrate.pool_rule import MAX_KEYS, WINDOW_FIXED
from migrate.rule import Rule

RULE = Rule(
    old="nn_layer_library.MaxPool2d",
    new="MaxPool2dModule",
    legacy=(("E1", "MaxPool2dE1"), ("E2a", "MaxPool2dE2"), ("E4a", "MaxPool2d")),
    keys=MAX_KEYS,
    fixed=WINDOW_FIXED,
)
