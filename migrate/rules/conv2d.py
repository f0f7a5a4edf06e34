"""`Conv2d` -> `Conv2dModule`: like `linear`; a missing `padding` was written into `nn_params` as 0 (trap 27)."""

from typing import Any

from migrate.rule import Key, Rule, key
from migrate.weight_rule import WEIGHT_ATTRIBUTES, WEIGHT_DERIVED, WEIGHT_KEYS, WEIGHT_KEYS_E3B, weight_state


def _padding(value: Any) -> tuple[Any]:
    return (0 if value is None else value,)


SIZES = (
    key("nn_params.out_channels", "out_channels"),
    key("nn_params.kernel_size", "kernel_size"),
    key("nn_params.stride", "stride"),
    Key(("nn_params.padding",), ("padding",), (0,), (0,), forward=_padding, attribute=("nn_params.padding",)),
    key("nn_params.bias", "bias", True, True),
)

RULE = Rule(
    old="nn_layer_library.Conv2d",
    new="Conv2dModule",
    keys=(*SIZES, *WEIGHT_KEYS),
    keys_before=(("2025-06-26", (*SIZES, *WEIGHT_KEYS_E3B)),),
    legacy=(("E4a", "Conv2d"), ("E5c", "Conv2dE5c"), ("2025-06-26", "Conv2d0626")),
    state=weight_state,
    attributes=WEIGHT_ATTRIBUTES,
    derived=WEIGHT_DERIVED | {"_input_height", "_input_width", "_output_height", "_output_width"},
)
