"""`AvgPool1d` -> `AvgPool1dModule`: what it did wrong becomes options (trap 28).

The kernel size is the number of channels, and components behind it are built for the shape of its input.
"""

from migrate.pool_rule import AVERAGE_KEYS, WINDOW_FIXED
from migrate.rule import Rule

RULE = Rule(
    old="nn_layer_library.AvgPool1d",
    new="AvgPool1dModule",
    legacy=(("E1", "AvgPool1dE1"), ("E2a", "AvgPool1dE2"), ("E4a", "AvgPool1d")),
    keys=AVERAGE_KEYS,
    fixed=WINDOW_FIXED,
)
