"""`AvgPool2d` -> `AvgPool2dModule`: what it did wrong becomes options (trap 28).

The kernel size is the number of channels, and components behind it are built for the shape of its input.
"""

from migrate.pool_rule import AVERAGE_KEYS, WINDOW_FIXED
from migrate.rule import Rule, key

RULE = Rule(
    old="nn_layer_library.AvgPool2d",
    new="AvgPool2dModule",
    legacy=(("E1", "AvgPool2dE1"), ("E2a", "AvgPool2dE2"), ("E4a", "AvgPool2d")),
    keys=(*AVERAGE_KEYS, key("nn_params.divisor_override", "divisor_override", None, None)),
    fixed=WINDOW_FIXED,
)
