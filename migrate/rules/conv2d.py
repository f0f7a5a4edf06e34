"""`Conv2d` -> `Conv2dModule`: like `linear`; a missing `padding` was written into `nn_params` as 0 (trap 27).

Until E3 nobody asked whether the kernel tiles its input: `drops_remainder` says so.
"""

from typing import Any

from migrate.rule import ByEra, Key, Rule, key
from migrate.weight_rule import (
    BIAS,
    WEIGHT_ATTRIBUTES,
    WEIGHT_DERIVED,
    WEIGHT_KEYS,
    by_era,
    legacy_classes,
    weight_state,
)


def _padding(value: Any) -> tuple[Any]:
    return (0 if value is None else value,)


SIZES = (
    key("nn_params.out_channels", "out_channels"),
    key("nn_params.kernel_size", "kernel_size"),
    key("nn_params.stride", "stride"),
    Key(("nn_params.padding",), ("padding",), (0,), (0,), forward=_padding, attribute=("nn_params.padding",)),
    BIAS,
)
EARLY_SIZES = (
    key("output_size", "out_channels", None, None, attribute="_output_size"),
    key("nn_params.kernel_size", "kernel_size"),
    key("nn_params.stride", "stride", 1, 1),
    key("nn_params.padding", "padding", 0, 0),
    BIAS,
)

RULE = Rule(
    old="nn_layer_library.Conv2d",
    new="Conv2dModule",
    keys=(*SIZES, *WEIGHT_KEYS),
    keys_before=by_era(SIZES, EARLY_SIZES),
    fixed={"drops_remainder": ByEra((("E1", True), ("E4a", None)))},
    legacy=legacy_classes("Conv2d"),
    state=weight_state,
    attributes=WEIGHT_ATTRIBUTES,
    derived=WEIGHT_DERIVED | {"_input_height", "_input_width", "_output_height", "_output_width"},
)
