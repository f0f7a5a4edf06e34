"""What the rules of the pooling layers share: the number of channels for a size, and the shape announced (trap 28)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from migrate.rule import Key, key

WINDOW_FIXED: Mapping[str, Any] = {"kernel_size": "channels", "announces": "input"}
ADAPTIVE_FIXED: Mapping[str, Any] = {"output_size": "channels", "announces": "input"}

STRIDE = key("nn_params.stride", "stride", None, None)
PADDING = key("nn_params.padding", "padding", 0, 0)
CEIL_MODE = key("nn_params.ceil_mode", "ceil_mode", False, False)

MAX_KEYS: tuple[Key, ...] = (STRIDE, PADDING, key("nn_params.dilation", "dilation", 1, 1), CEIL_MODE)
AVERAGE_KEYS: tuple[Key, ...] = (
    STRIDE,
    PADDING,
    CEIL_MODE,
    key("nn_params.count_include_pad", "count_include_pad", True, True),
)
