"""`IdentityModule`: a component that changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from modules.base import BuildContext, MettaModule, only_source


class IdentityModule(MettaModule):
    """Any shape -> the same tensor, under another name."""

    def __init__(self, *, in_keys: Sequence[str] = ("input",), out_keys: Sequence[str] = ("output",)) -> None:
        super().__init__(in_keys, out_keys)

    def compute(self, x: Tensor) -> Tensor:
        """Any shape -> the same tensor."""
        return x

    @classmethod
    def from_context(cls, context: BuildContext) -> dict[str, Any]:
        """Nothing but the check that there is one source."""
        only_source(context)
        return {}
