"""`Linear` -> `LinearModule`: sizes leave `nn_params`, and what `ParamLayer` implied is written out.

The old default nonlinearity was ReLU, removed only by an explicit null; the new default is none. The gain of sqrt(2)
that the exact text `nn.Tanh` gave to orthogonal initialisation becomes `gain`.
"""

from migrate.rule import Rule, key
from migrate.weight_rule import WEIGHT_ATTRIBUTES, WEIGHT_DERIVED, WEIGHT_KEYS, WEIGHT_KEYS_E3B, weight_state

SIZES = (
    key("nn_params.out_features", "out_features"),
    key("nn_params.bias", "bias", True, True),
)

RULE = Rule(
    old="nn_layer_library.Linear",
    new="LinearModule",
    keys=(*SIZES, *WEIGHT_KEYS),
    keys_before=(("2025-06-26", (*SIZES, *WEIGHT_KEYS_E3B)),),
    legacy=(("E4a", "Linear"), ("E5c", "LinearE5c"), ("2025-06-26", "Linear0626")),
    state=weight_state,
    attributes=WEIGHT_ATTRIBUTES,
    derived=WEIGHT_DERIVED,
)
