"""`ObservationNormalizer`: each feature divided by a constant."""

from __future__ import annotations

from typing import Any

import torch

from legacy.base import Blackboard, LayerBase
from legacy.normalizations import OBS_NORMALIZATIONS


class ObservationNormalizer(LayerBase):
    """`[B, F, H, W]` / `obs_norm` `[1, F, 1, 1]` -> `[B, F, H, W]` float32.

    Raises:
        KeyError: a feature name that the table does not have.
    """

    def __init__(self, grid_features: Any, **cfg: Any) -> None:
        self._grid_features = grid_features
        super().__init__(**cfg)

    def _initialize(self) -> None:
        constants = [OBS_NORMALIZATIONS[name] for name in self._grid_features]
        self.register_buffer("obs_norm", torch.tensor(constants, dtype=torch.float32).view(1, -1, 1, 1))
        self._out_tensor_shape = self._in_tensor_shapes[0].copy()

    def _forward(self, td: Blackboard) -> Blackboard:
        td[str(self._name)] = td[(self._sources or [])[0]["name"]] / self.obs_norm
        return td
