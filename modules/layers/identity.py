"""`IdentityModule`: a component that changes nothing."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from modules.base import OneSourceModule


class IdentityModule(OneSourceModule):
    """Any shape -> the same tensor, under another name."""

    def __init__(self, *, in_keys: Sequence[str] = ("input",), out_keys: Sequence[str] = ("output",)) -> None:
        super().__init__(in_keys, out_keys)

    def compute(self, x: Tensor) -> Tensor:
        """Any shape -> the same tensor."""
        return x
