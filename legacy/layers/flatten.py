"""`Flatten`: all dimensions but the batch into one."""

from __future__ import annotations

import numpy as np
from torch import nn

from legacy.base import LayerBase
from legacy.early import EarlyLayer, PublicNames


class Flatten(LayerBase):
    """`[B, ...]` -> `[B, product]`."""

    def _make_net(self) -> nn.Module:
        size = np.prod(self._in_tensor_shapes[0])
        self._out_tensor_shape = [int(size) if all(isinstance(n, int) for n in self._in_tensor_shapes[0]) else size]
        return nn.Flatten()


class FlattenE2(EarlyLayer, Flatten):
    """E2 and E3: the announced size stays that of the channels, right only where images end at 1 x 1 (trap 28)."""


class FlattenE1(PublicNames, FlattenE2):
    """E1."""
