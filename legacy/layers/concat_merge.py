"""`ConcatMergeLayer`: concatenation of its sources, or of slices of them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from legacy.early import PublicNames
from legacy.early_merge import EarlyMergeLayer
from legacy.merge import MergeLayerBase


class ConcatMergeLayer(MergeLayerBase):
    """Concatenates along `dim` (1 unless the sources say otherwise).

    Quirk kept: the output shape adds up the lengths of index 0, so it is wrong for `dim` other than 1 (trap 16).

    Raises:
        ValueError: "For 'concat', all sources must have the same 'dim' ..." in `setup`.
    """

    def _setup_merge_layer(self) -> None:
        if any(dim != self.dims[0] for dim in self.dims):
            raise ValueError(f"For 'concat', all sources must have the same 'dim'. Got dims: {self.dims}")
        self._merge_dim = self.dims[0]
        self._out_tensor_shape = self._in_tensor_shapes[0].copy()
        self._out_tensor_shape[self._merge_dim - 1] = sum(self.processed_lengths)

    def _merge(self, outputs: list[Tensor]) -> Tensor:
        return torch.cat(outputs, dim=self._merge_dim)


class ConcatMergeLayerE2(EarlyMergeLayer):
    """E2 and E3: the size is the sum of all, whatever `dim` says.

    Raises:
        ValueError: "For 'concat', all sources must have the same 'dim' ..." in `setup`.
    """

    def _merged_size(self) -> Any:
        if any(dim != self.dims[0] for dim in self.dims):
            raise ValueError(f"For 'concat', all sources must have the same 'dim'. Got dims: {self.dims}")
        return sum(self.sizes)

    def _merge(self, outputs: list[Tensor]) -> Tensor:
        return torch.cat(outputs, dim=self.dims[0])


class ConcatMergeLayerE1(PublicNames, ConcatMergeLayerE2):
    """E1."""
