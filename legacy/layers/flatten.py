"""`Flatten`: all dimensions but the batch into one."""

from __future__ import annotations

import numpy as np
from torch import nn

from legacy.base import LayerBase


class Flatten(LayerBase):
    """`[B, ...]` -> `[B, product]`."""

    def _make_net(self) -> nn.Module:
        size = np.prod(self._in_tensor_shapes[0])
        self._out_tensor_shape = [int(size) if all(isinstance(n, int) for n in self._in_tensor_shapes[0]) else size]
        return nn.Flatten()
