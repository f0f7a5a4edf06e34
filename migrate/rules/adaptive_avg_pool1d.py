"""`AdaptiveAvgPool1d` -> `AdaptiveAvgPool1dModule`: what it did wrong becomes options (trap 28).

The output size is the number of channels, and components behind it are built for the shape of its input.
"""

from migrate.pool_rule import ADAPTIVE_FIXED
from migrate.rule import Rule

RULE = Rule(
    old="nn_layer_library.AdaptiveAvgPool1d",
    new="AdaptiveAvgPool1dModule",
    legacy=(("E1", "AdaptiveAvgPool1dE1"), ("E2a", "AdaptiveAvgPool1dE2"), ("E4a", "AdaptiveAvgPool1d")),
    fixed=ADAPTIVE_FIXED,
)
