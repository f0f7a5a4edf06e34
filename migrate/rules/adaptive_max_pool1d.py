"""`AdaptiveMaxPool1d` -> `AdaptiveMaxPool1dModule`: what it did wrong becomes options (trap 28).

The output size is the number of channels, and components behind it are built for the shape of its input.
"""

from migrate.pool_rule import ADAPTIVE_FIXED
from migrate.rule import Rule

RULE = Rule(
    old="nn_layer_library.AdaptiveMaxPool1d",
    new="AdaptiveMaxPool1dModule",
    legacy=(("E1", "AdaptiveMaxPool1dE1"), ("E2a", "AdaptiveMaxPool1dE2"), ("E4a", "AdaptiveMaxPool1d")),
    fixed=ADAPTIVE_FIXED,
)
