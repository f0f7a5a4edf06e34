"""`PoolLayer`: what the pooling layers of E4 and later share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from torch import nn

from legacy.base import LayerBase


class PoolLayer(LayerBase):
    """Pools the source, with torch's layer made of the first size of its shape, and `nn_params` behind it.

    Quirks kept (trap 28): that size, the number of channels, is what torch takes for the kernel or output size, so
    `nn_params` cannot name one (TypeError); the shape announced is the source's, whatever comes out.
    """

    pool: ClassVar[Callable[..., nn.Module]]

    def _make_net(self) -> nn.Module:
        self._out_tensor_shape = self._in_tensor_shapes[0].copy()
        pool: Any = type(self).pool
        made: nn.Module = pool(self._in_tensor_shapes[0][0], **self._nn_params)
        return made
