"""`BatchNorm1d` -> `BatchNorm1dModule`: the options leave `nn_params`; `_net`, torch's own layer, becomes `norm`."""

from migrate.batch_norm_rule import BATCH_NORM_KEYS, batch_norm_state
from migrate.rule import Rule

RULE = Rule(
    old="nn_layer_library.BatchNorm1d",
    new="BatchNorm1dModule",
    legacy=(("E1", "BatchNorm1dE1"), ("E2a", "BatchNorm1dE2"), ("E4a", "BatchNorm1d")),
    keys=BATCH_NORM_KEYS,
    state=batch_norm_state,
)
