"""`Conv1d` -> `Conv1dModule`: of E1 to E3 only; `output_size` becomes `out_channels`."""

from migrate.rule import Rule, key
from migrate.weight_rule import (
    BIAS,
    WEIGHT_ATTRIBUTES,
    WEIGHT_DERIVED,
    WEIGHT_KEYS,
    by_era,
    early_classes,
    weight_state,
)

SIZES = (
    key("output_size", "out_channels", None, None, attribute="_output_size"),
    key("nn_params.kernel_size", "kernel_size"),
    key("nn_params.stride", "stride", 1, 1),
    key("nn_params.padding", "padding", 0, 0),
    BIAS,
)

RULE = Rule(
    old="nn_layer_library.Conv1d",
    new="Conv1dModule",
    keys=(*SIZES, *WEIGHT_KEYS),
    keys_before=by_era(SIZES, SIZES),
    legacy=early_classes("Conv1d"),
    state=weight_state,
    attributes=WEIGHT_ATTRIBUTES,
    derived=WEIGHT_DERIVED,
)
