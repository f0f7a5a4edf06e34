"""`ActionType` -> `ActionTypeModule`: the environment decides the size; `output_size` in a config was forgotten."""

from migrate.rule import Rule
from migrate.weight_rule import (
    BIAS,
    WEIGHT_ATTRIBUTES,
    WEIGHT_DERIVED,
    WEIGHT_KEYS,
    by_era,
    early_classes,
    weight_state,
)

RULE = Rule(
    old="action.ActionType",
    new="ActionTypeModule",
    keys=(BIAS, *WEIGHT_KEYS),
    keys_before=by_era((BIAS,), (BIAS,)),
    legacy=early_classes("ActionType"),
    state=weight_state,
    attributes=WEIGHT_ATTRIBUTES,
    derived=WEIGHT_DERIVED,
)
