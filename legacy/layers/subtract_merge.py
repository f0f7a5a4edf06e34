"""`SubtractMergeLayer`: the difference of its sources, or of slices of them."""

from __future__ import annotations

from torch import Tensor

from legacy.early import PublicNames
from legacy.early_merge import EarlyMergeLayer
from legacy.merge import ElementwiseMergeLayer, UnnamedSizes


class SubtractMergeLayer(ElementwiseMergeLayer):
    """The first source minus the second."""

    op = "subtract"

    def _merge(self, outputs: list[Tensor]) -> Tensor:
        if len(outputs) != 2:
            raise ValueError("Subtract merge_op requires exactly two sources.")
        return outputs[0] - outputs[1]


class SubtractMergeLayerE4a(UnnamedSizes, SubtractMergeLayer):
    """Until 2025-05-27."""


class SubtractMergeLayerE2(EarlyMergeLayer):
    """E2 and E3."""

    _merge = SubtractMergeLayer._merge  # it knows nothing of its class


class SubtractMergeLayerE1(PublicNames, SubtractMergeLayerE2):
    """E1."""
