"""`ExpandLayer`: a tensor repeated along a new dimension."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from legacy.base import Blackboard, LayerBase


class ExpandLayer(LayerBase):
    """`[B, ...]` -> the same with `expand_value` copies along a new dimension `expand_dim`, in memory of its own.

    Quirk kept (trap 29): with `dims_source`, whose size along `source_dim` it takes for `expand_value`, `_sources`
    holds a string beside a mapping, which the agent cannot set up.

    Raises:
        ValueError: "Expand dim must be greater than 0. ..." in `setup`.
    """

    def __init__(
        self,
        name: str,
        expand_dim: int,
        sources: Any,
        expand_value: int | None = None,
        source_dim: int | None = None,
        dims_source: str | None = None,
        **cfg: Any,
    ) -> None:
        if dims_source is not None:
            sources = [sources[0], dims_source]
        super().__init__(name, sources, **cfg)
        self.expand_dim = expand_dim
        self.expand_value: Any = expand_value
        self.source_dim: Any = source_dim
        self.dims_source = dims_source

    def setup(self, source_components: Mapping[str, Any] | None = None) -> None:
        """Computes the output shape."""
        if self._ready:
            return
        self.__dict__["_source_components"] = source_components
        components: Any = source_components
        self._out_tensor_shape = list(components[self._sources[0]["name"]]._out_tensor_shape)
        if self.dims_source is not None:
            self.expand_value = components[self.dims_source]._out_tensor_shape[self.source_dim - 1]
        if self.expand_dim <= 0:
            raise ValueError("Expand dim must be greater than 0. 0 is the batch dimension.")
        self._out_tensor_shape.insert(self.expand_dim - 1, self.expand_value)
        self._ready = True

    def _forward(self, td: Blackboard) -> Blackboard:
        if self.dims_source is not None:
            self.expand_value = td[self.dims_source].size(self.source_dim)
        x = td[self._sources[0]["name"]].unsqueeze(self.expand_dim)
        sizes = [-1] * x.dim()
        sizes[self.expand_dim] = self.expand_value
        td[str(self._name)] = x.expand(*sizes).contiguous()
        return td
