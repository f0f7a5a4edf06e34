"""`MaxPool1d` -> `MaxPool1dModule`: what it did wrong becomes options (trap 28).

The kernel size is the number of channels, and components behind it are built for the shape of its input.
"""

from migrate.pool_rule import MAX_KEYS, WINDOW_FIXED
from migrate.rule import Rule

RULE = Rule(
    old="nn_layer_library.MaxPool1d",
    new="MaxPool1dModule",
    legacy=(("E1", "MaxPool1dE1"), ("E2a", "MaxPool1dE2"), ("E4a", "MaxPool1d")),
    keys=MAX_KEYS,
    fixed=WINDOW_FIXED,
)
