"""`BatchNorm2d` -> `BatchNorm2dModule`: the options leave `nn_params`; `_net`, torch's own layer, becomes `norm`."""

from migrate.batch_norm_rule import BATCH_NORM_KEYS, batch_norm_state
from migrate.rule import Rule

RULE = Rule(
    old="nn_layer_library.BatchNorm2d",
    new="BatchNorm2dModule",
    legacy=(("E1", "BatchNorm2dE1"), ("E2a", "BatchNorm2dE2"), ("E4a", "BatchNorm2d")),
    keys=BATCH_NORM_KEYS,
    state=batch_norm_state,
)
