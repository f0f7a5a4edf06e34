"""`ActionType` -> `ActionTypeModule`: the environment decides the size; a config's `output_size` was forgotten by the old class."""

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
