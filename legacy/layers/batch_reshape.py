"""`BatchReshapeLayer`: rows that a dimension was joined into, parted again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from legacy.base import Blackboard, LayerBase


class BatchReshapeLayer(LayerBase):
    """`[B * T * k, ...]` -> `[B * T, k, ...]`, where `td["_BxTT_"]` says `B * T`; a view.

    Quirks kept (trap 29): every dimension of size 1 vanishes, a batch of one row too; it announces its input's shape.
    From E8 nothing writes `_BxTT_`, so every pass is a KeyError.
    """

    def setup(self, source_components: Mapping[str, Any] | None = None) -> None:
        """Copies the source's shape."""
        if self._ready:
            return
        self.__dict__["_source_components"] = source_components
        source = next(iter((source_components or {}).values()))
        self._out_tensor_shape = list(source._out_tensor_shape)
        self._ready = True

    def _forward(self, td: Blackboard) -> Blackboard:
        x, rows = td[self._sources[0]["name"]], td["_BxTT_"]
        td[str(self._name)] = x.view(rows, x.shape[0] // rows, *x.shape[1:]).squeeze()
        return td
