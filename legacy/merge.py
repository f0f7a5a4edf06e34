"""`MergeLayerBase`: what the merge layers of E4 and later share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from omegaconf import ListConfig
from torch import Tensor

from legacy.base import Blackboard, LayerBase


class MergeLayerBase(LayerBase):
    """Joins its sources, each whole or a slice of it.

    Quirks kept: `setup` writes `_slice_params` into the caller's source configs, the slice's length replaces index 0
    of the shape whatever `dim` says (trap 16), and `forward` has no cache check, so it runs at every visit.
    """

    def __init__(self, name: str | None = None, **cfg: Any) -> None:
        self._ready = False
        super().__init__(name, **cfg)

    @property
    def ready(self) -> bool:
        """Whether `setup` has run."""
        return self._ready

    def setup(self, source_components: Mapping[str, Any] | None = None) -> None:
        """Reads the slices and computes the output shape.

        Raises:
            ValueError: "'slice' must be a two-element ...", "Slice 'dim' must be specified ...", or what the subclass
                says of shapes that do not fit.
        """
        if self._ready:
            return
        self.__dict__["_source_components"] = source_components
        self._in_tensor_shapes = []
        self.dims: list[int] = []
        self.processed_lengths: list[int] = []
        for source in self._sources or []:
            shape = list((source_components or {})[source["name"]]._out_tensor_shape)
            self._in_tensor_shapes.append(shape)
            self.processed_lengths.append(self._read_slice(source, shape[0]))
            self.dims.append(source.get("dim", 1))
        self._setup_merge_layer()
        self._ready = True

    def _read_slice(self, source: Any, length: int) -> int:
        if "slice" not in source:
            return length
        bounds = list(source["slice"]) if isinstance(source["slice"], ListConfig) else source["slice"]
        if not isinstance(bounds, (list, tuple)) or len(bounds) != 2:
            raise ValueError(f"'slice' must be a two-element list/tuple for source {source['name']}.")
        if source.get("dim", None) is None:
            raise ValueError(
                f"Slice 'dim' must be specified for {source['name']}. If a vector, use dim=1 (0 is batch size)."
            )
        start, end = bounds
        source["_slice_params"] = {"start": start, "length": end - start, "dim": source["dim"]}
        return int(end - start)

    def forward(self, td: Blackboard) -> Blackboard:
        """Runs every source, narrows the sliced ones, and writes the merged tensor."""
        outputs = []
        for source in self._sources or []:
            self._source_components[source["name"]].forward(td)
            tensor = td[source["name"]]
            if "_slice_params" in source:
                cut = source["_slice_params"]
                tensor = torch.narrow(tensor, cut["dim"], cut["start"], cut["length"])
            outputs.append(tensor)
        td[str(self._name)] = self._merge(outputs)
        return td

    def _setup_merge_layer(self) -> None:
        raise NotImplementedError

    def _merge(self, outputs: list[Tensor]) -> Tensor:
        raise NotImplementedError


class ElementwiseMergeLayer(MergeLayerBase):
    """Joins sources of one shape number by number; subclasses say how, and `op`, the name that errors give it.

    Quirks kept (trap 16): it compares and announces the shapes before slicing, so with slices the announced shape is
    wrong, and it is the very list that stands in `_in_tensor_shapes`.

    Raises:
        ValueError: "For '<op>', all source sizes must match ..." in `setup`.
    """

    op: str

    def _setup_merge_layer(self) -> None:
        if any(shape != self._in_tensor_shapes[0] for shape in self._in_tensor_shapes):
            raise self._mismatch()
        self._out_tensor_shape = self._in_tensor_shapes[0]

    def _mismatch(self) -> Exception:
        return ValueError(f"For '{self.op}', all source sizes must match. Got sizes: {self._in_tensor_shapes}")


class UnnamedSizes:
    """A mixin for E4a to 2025-05-26, whose message named `self.sizes`, which merges no longer had.

    Raises:
        AttributeError: sources whose shapes differ.
    """

    def _mismatch(self) -> Exception:
        return AttributeError(f"{type(self).__name__.removesuffix('E4a')!r} object has no attribute 'sizes'")
