"""`ObservationNormalizer`: each feature divided by a constant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch

from legacy.base import Blackboard, LayerBase
from legacy.early import EarlyLayer, PublicNames
from legacy.normalizations import OBS_NORMALIZATIONS, OBS_NORMALIZATIONS_E1


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


class ObservationNormalizerE5b(LayerBase):
    """From 2025-06-03: divisors as a list, or from 2025-06-16 as a dict id -> divisor.

    Raises:
        RuntimeError: ids of a dict with gaps.
    """

    def __init__(self, feature_normalizations: Any, **cfg: Any) -> None:
        self._feature_normalizations = feature_normalizations
        super().__init__(**cfg)

    def _initialize(self) -> None:
        told = self._feature_normalizations
        if hasattr(told, "items"):
            constants = torch.ones(max(told.keys()) + 1, dtype=torch.float32)
            for number, divisor in told.items():
                constants[number] = divisor
        else:
            constants = torch.tensor(list(told), dtype=torch.float32)
        self.register_buffer("obs_norm", constants.view(1, len(told), 1, 1))
        self._out_tensor_shape = self._in_tensor_shapes[0].copy()

    def _forward(self, td: Blackboard) -> Blackboard:
        td[str(self._name)] = td[(self._sources or [])[0]["name"]] / self.obs_norm
        return td


class ObservationNormalizerE2(EarlyLayer):
    """E2 and E3: the divisors are there from the start, and the names are forgotten."""

    table: ClassVar[Mapping[str, float]] = OBS_NORMALIZATIONS

    def __init__(self, grid_features: Any, **cfg: Any) -> None:
        super().__init__(**cfg)
        constants = [self.table[name] for name in grid_features]
        self.register_buffer("obs_norm", torch.tensor(constants, dtype=torch.float32).view(1, -1, 1, 1))

    def _forward(self, td: Blackboard) -> Blackboard:
        td[self._name] = td[self._input_source] / self.obs_norm
        return td


class ObservationNormalizerE1(PublicNames, ObservationNormalizerE2):
    """E1, whose table had other divisors for two features."""

    table = OBS_NORMALIZATIONS_E1
