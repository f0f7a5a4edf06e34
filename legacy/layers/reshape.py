"""`ReshapeLayer`: two dimensions made one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from legacy.base import Blackboard, LayerBase


class ReshapeLayer(LayerBase):
    """Takes `popped_dim` out of the shape and gives its size to `squeezed_dim`; both count the batch as 0.

    Quirks kept (trap 29): the product of both sizes is written to the index `squeezed_dim` after `popped_dim` has gone,
    so one dimension too far where that stood in front: RuntimeError or IndexError, unless the sizes happen to fit;
    the shape announced has it in the right place, but for `popped_dim` 0 it lacks the last dimension.
    """

    def __init__(self, name: str, popped_dim: int, squeezed_dim: int, **cfg: Any) -> None:
        super().__init__(name, **cfg)
        self.popped_dim = popped_dim
        self.squeezed_dim = squeezed_dim

    def setup(self, source_components: Mapping[str, Any] | None = None) -> None:
        """Computes the output shape; the batch, which is not part of it, is joined without a trace."""
        if self._ready:
            return
        self.__dict__["_source_components"] = source_components
        source = next(iter((source_components or {}).values()))
        shape = list(source._out_tensor_shape)
        if self.popped_dim != 0 and self.squeezed_dim != 0:
            shape[self.squeezed_dim - 1] *= shape[self.popped_dim - 1]
        shape.pop(self.popped_dim - 1)
        self._out_tensor_shape = shape
        self._ready = True

    def _forward(self, td: Blackboard) -> Blackboard:
        x = td[self._sources[0]["name"]]
        shape = list(x.shape)
        size = shape[self.squeezed_dim] * shape[self.popped_dim]
        shape.pop(self.popped_dim)
        shape[self.squeezed_dim] = size
        td[str(self._name)] = x.view(*shape)
        return td
