"""`Linear` -> `LinearModule`: sizes leave `nn_params`, and what `ParamLayer` implied is written out.

The old default nonlinearity was ReLU, removed only by an explicit null; the new default is none. The gain of sqrt(2)
that the exact text `nn.Tanh` gave to orthogonal initialisation becomes `gain`. Until E3 the size stood beside
`nn_params` as `output_size`, and was that of the input where it was missing.
"""

from migrate.rule import Rule, key
from migrate.weight_rule import (
    BIAS,
    WEIGHT_ATTRIBUTES,
    WEIGHT_DERIVED,
    WEIGHT_KEYS,
    by_era,
    legacy_classes,
    weight_state,
)

SIZES = (key("nn_params.out_features", "out_features"), BIAS)
EARLY_SIZES = (key("output_size", "out_features", None, None, attribute="_output_size"), BIAS)

RULE = Rule(
    old="nn_layer_library.Linear",
    new="LinearModule",
    keys=(*SIZES, *WEIGHT_KEYS),
    keys_before=by_era(SIZES, EARLY_SIZES),
    legacy=legacy_classes("Linear"),
    state=weight_state,
    attributes=WEIGHT_ATTRIBUTES,
    derived=WEIGHT_DERIVED,
)
