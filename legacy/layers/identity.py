"""`Identity`: a component that changes nothing."""

from __future__ import annotations

from torch import nn

from legacy.base import LayerBase
from legacy.early import EarlyLayer, PublicNames


class Identity(LayerBase):
    """Any shape -> the same tensor, under another name."""

    def _make_net(self) -> nn.Module:
        self._out_tensor_shape = self._in_tensor_shapes[0].copy()
        return nn.Identity()


class IdentityE2(EarlyLayer, Identity):
    """E2 and E3."""


class IdentityE1(PublicNames, IdentityE2):
    """E1."""
