"""`TanhModule`: the activation as a component of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from modules.base import BuildContext, MettaModule, only_source


class TanhModule(MettaModule):
    """Any shape -> the same shape."""

    def __init__(self, *, in_keys: Sequence[str] = ("input",), out_keys: Sequence[str] = ("output",)) -> None:
        super().__init__(in_keys, out_keys)

    def compute(self, x: Tensor) -> Tensor:
        """Any shape -> the same shape."""
        return torch.tanh(x)

    @classmethod
    def from_context(cls, context: BuildContext) -> dict[str, Any]:
        """Nothing but the check that there is one source."""
        only_source(context)
        return {}
