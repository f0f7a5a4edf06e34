"""`AdaptiveMaxPool2d` -> `AdaptiveMaxPool2dModule`: what it did wrong becomes options (trap 28).

The output size is the number of channels, and components behind it are built for the shape of its input.
"""

from migrate.pool_rule import ADAPTIVE_FIXED
from migrate.rule import Rule

RULE = Rule(
    old="nn_layer_library.AdaptiveMaxPool2d",
    new="AdaptiveMaxPool2dModule",
    legacy=(("E1", "AdaptiveMaxPool2dE1"), ("E2a", "AdaptiveMaxPool2dE2"), ("E4a", "AdaptiveMaxPool2d")),
    fixed=ADAPTIVE_FIXED,
)
