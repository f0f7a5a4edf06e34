"""`CenterPixelLayer`: the features of the observation's middle cell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from legacy.base import Blackboard, LayerBase


class CenterPixelLayer(LayerBase):
    """`[B, C, H, W]` -> `[B, C]` at `[H // 2, W // 2]`, a view."""

    def setup(self, source_components: Mapping[str, Any] | None = None) -> None:
        """Drops the two spatial dimensions from the source's shape."""
        if self._ready:
            return
        self.__dict__["_source_components"] = source_components
        source = next(iter((source_components or {}).values()))
        self._out_tensor_shape = list(source._out_tensor_shape)[:-2]
        self._ready = True

    def _forward(self, td: Blackboard) -> Blackboard:
        x = td[(self._sources or [])[0]["name"]]
        td[str(self._name)] = x[:, :, x.shape[2] // 2, x.shape[3] // 2]
        return td
