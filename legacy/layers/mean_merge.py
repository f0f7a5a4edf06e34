"""`MeanMergeLayer`: the mean of its sources, or of slices of them."""

from __future__ import annotations

from functools import reduce
from operator import add

from torch import Tensor

from legacy.early import PublicNames
from legacy.early_merge import EarlyMergeLayer
from legacy.merge import ElementwiseMergeLayer, UnnamedSizes


class MeanMergeLayer(ElementwiseMergeLayer):
    """Adds from left to right, and divides by the number of sources."""

    op = "mean"

    def _merge(self, outputs: list[Tensor]) -> Tensor:
        return reduce(add, outputs) / len(outputs)


class MeanMergeLayerE4a(UnnamedSizes, MeanMergeLayer):
    """Until 2025-05-27."""


class MeanMergeLayerE2(EarlyMergeLayer):
    """E2 and E3."""

    _merge = MeanMergeLayer._merge  # it knows nothing of its class


class MeanMergeLayerE1(PublicNames, MeanMergeLayerE2):
    """E1."""
