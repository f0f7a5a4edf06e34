"""What `ParamLayer` changed after E5b: defaults and guards of its L2 losses (trap 10)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from legacy.base import ParamLayer


class ParamLayerE5c(ParamLayer):
    """From 2025-06-05: both scales default to 1, and nothing catches `None`, or an anchor that was not kept."""

    def __init__(
        self,
        clip_scale: float = 1,
        analyze_weights: bool | None = None,
        l2_norm_scale: Any = 1,
        l2_init_scale: Any = 1,
        **cfg: Any,
    ) -> None:
        super().__init__(clip_scale, analyze_weights, l2_norm_scale, l2_init_scale, **cfg)

    def l2_reg_loss(self) -> Tensor:
        """Scalar `sum(w^2) * l2_norm_scale`, without gradient.

        Raises:
            TypeError: the scale is None.
        """
        loss: Tensor = torch.sum(self.weight_net.weight.data**2) * self.l2_norm_scale
        return loss

    def l2_init_loss(self) -> Tensor:
        """Scalar `sum((w - w_initial)^2) * l2_init_scale`, without gradient.

        Raises:
            TypeError: the scale is None or 0.
        """
        initial: Any = self.initial_weights
        loss: Tensor = torch.sum((self.weight_net.weight.data - initial) ** 2) * self.l2_init_scale
        return loss


class ParamLayer0626(ParamLayerE5c):
    """From 2025-06-26: `l2_norm_scale` vanishes like any unknown key, and so does its loss."""

    def __init__(self, clip_scale: float = 1, analyze_weights: bool | None = None, **cfg: Any) -> None:
        cfg.pop("l2_norm_scale", None)
        super().__init__(clip_scale, analyze_weights, **cfg)
        del self.l2_norm_scale

    l2_reg_loss = None  # type: ignore[assignment]
