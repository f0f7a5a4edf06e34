"""What the container and the agent must know of tensordict, without importing it: an object of it came with it."""

from __future__ import annotations

import sys
from collections.abc import MutableMapping
from typing import Any

from torch import nn


def batch_dims(data: Any) -> int:
    """Leading dimensions that all entries of a `TensorDict` share; 0 for a `dict`."""
    return len(getattr(data, "batch_size", ()))


def mapping_for(module: nn.Module, data: dict[str, Any]) -> MutableMapping[str, Any]:
    """`data` as `module` wants it: tensordict's own modules take any other mapping for a tensor argument."""
    library = sys.modules.get("tensordict.nn")
    if library is None or not isinstance(module, library.TensorDictModuleBase):
        return data
    as_tensordict: MutableMapping[str, Any] = sys.modules["tensordict"].TensorDict(data, batch_size=[])
    return as_tensordict
