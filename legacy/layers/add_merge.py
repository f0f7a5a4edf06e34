"""`AddMergeLayer`: the sum of its sources, or of slices of them."""

from __future__ import annotations

from functools import reduce
from operator import add

from torch import Tensor

from legacy.early import PublicNames
from legacy.early_merge import EarlyMergeLayer
from legacy.merge import ElementwiseMergeLayer, UnnamedSizes


class AddMergeLayer(ElementwiseMergeLayer):
    """Adds from left to right."""

    op = "add"

    def _merge(self, outputs: list[Tensor]) -> Tensor:
        return reduce(add, outputs)


class AddMergeLayerE4a(UnnamedSizes, AddMergeLayer):
    """Until 2025-05-27."""


class AddMergeLayerE2(EarlyMergeLayer):
    """E2 and E3."""

    _merge = AddMergeLayer._merge  # it knows nothing of its class


class AddMergeLayerE1(PublicNames, AddMergeLayerE2):
    """E1."""
