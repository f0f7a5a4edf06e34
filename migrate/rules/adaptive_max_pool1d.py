"""`AdaptiveMaxPool1d` -> `AdaptiveMaxPool1dModule`: what it did wrong becomes options (trap 28).

The output size is the number of channels, and components behind it are built for the shape of its input.
"""

from migrate.pool_rule import ADAPTIVE_FIXED
from migrate.rule import Rule

RULE = Rule(old="nn_layer_library.AdaptiveMaxPool1d", new="AdaptiveMaxPool1dModule", fixed=ADAPTIVE_FIXED)
