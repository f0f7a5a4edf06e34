"""`MergeLayerBase` of E1 to E3: sizes only, sources by `source_name`, slices along the last dimension by default."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from legacy.base import Blackboard
from legacy.early import EarlyLayer

DEFAULT_DIM = -1


class EarlyMergeLayer(EarlyLayer):
    """Joins its sources, each whole or a slice of it.

    Quirks kept: in E2 and E3 the agent looks for the sources under another name, so `setup` is given none and no config
    with a merge could be built (trap 17); `dim` is -1 unless a source says otherwise (trap 15); there is no cache.

    Raises:
        TypeError: "'NoneType' object is not subscriptable" in `setup`, in E2 and E3.
    """

    def __init__(self, name: Any, sources: Any, **cfg: Any) -> None:
        self._ready = False
        super().__init__(name)
        self.sources_list = sources
        self.input_source = [source["source_name"] for source in sources]

    def setup(self, input_source_component: Any = None) -> None:
        """Reads the slices and computes the size."""
        if self._ready:
            return
        components: Mapping[str, Any] = input_source_component
        self.sizes, self.dims = [], []
        for source in self.sources_list:
            size = components[source["source_name"]].output_size
            cut = source.get("slice", None)
            self.sizes.append(size if cut is None else cut[1] - cut[0])
            self.dims.append(source.get("dim", DEFAULT_DIM))
        self.__dict__["_input_source_component"] = components
        self._output_size = self._merged_size()
        self._ready = True

    def forward(self, td: Blackboard) -> Blackboard:
        """Runs every source, narrows the sliced ones, and writes the merged tensor."""
        outputs = []
        for source, length, dim in zip(self.sources_list, self.sizes, self.dims, strict=True):
            name = source["source_name"]
            self._input_source_component[name].forward(td)
            cut = source.get("slice", None)
            outputs.append(td[name] if cut is None else torch.narrow(td[name], dim, cut[0], length))
        td[self._name] = self._merge(outputs)
        return td

    def _merged_size(self) -> Any:
        if any(size != self.sizes[0] for size in self.sizes):
            raise ValueError(f"All source sizes must match. Got sizes: {self.sizes}")
        return self.sizes[0]

    def _merge(self, outputs: list[Tensor]) -> Tensor:
        raise NotImplementedError
