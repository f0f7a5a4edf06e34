"""What other libraries and torch's own transforms need, without importing any: an object of theirs came with them."""

from __future__ import annotations

import sys
from collections.abc import MutableMapping
from typing import Any

import torch
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


def inside_vmap() -> bool:
    """Whether `torch.vmap` batches what is computed now; some kernels have no rule for it. Not told to a compiler."""
    functorch = torch._C._functorch
    if torch.compiler.is_compiling() or functorch.maybe_current_level() is None:
        return False
    return any(each.key() == functorch.TransformType.Vmap for each in functorch.get_interpreter_stack() or ())
