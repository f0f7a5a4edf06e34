"""`TanhModule`: the activation as a component of its own."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from modules.base import OneSourceModule


class TanhModule(OneSourceModule):
    """Any shape -> the same shape."""

    def __init__(self, *, in_keys: Sequence[str] = ("input",), out_keys: Sequence[str] = ("output",)) -> None:
        super().__init__(in_keys, out_keys)

    def compute(self, x: Tensor) -> Tensor:
        """Any shape -> the same shape."""
        return torch.tanh(x)
