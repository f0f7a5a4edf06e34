"""`AddMergeLayer`: the sum of its sources, or of slices of them."""

from __future__ import annotations

from functools import reduce
from operator import add

from torch import Tensor

from legacy.merge import ElementwiseMergeLayer


class AddMergeLayer(ElementwiseMergeLayer):
    """Adds from left to right."""

    op = "add"

    def _merge(self, outputs: list[Tensor]) -> Tensor:
        return reduce(add, outputs)
