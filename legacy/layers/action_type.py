"""`ActionType`: the head of E1 to E3 that scores the types of actions."""

from __future__ import annotations

from typing import Any

from legacy.early import PublicNames, RegistersWeightNet
from legacy.layers.linear import LinearE2b, LinearE3b


class ActionType(LinearE3b):
    """From 2025-04-22: `[B, in]` -> `[B, action_type_size]`.

    Quirk kept: the agent tells it its size, a numpy integer, and a config's `output_size` is forgotten (trap 54).
    """

    def __init__(self, action_type_size: Any, **cfg: Any) -> None:
        super().__init__(**cfg)
        self._output_size = action_type_size


class ActionTypeE2b(LinearE2b):
    """E2b and E2c."""

    def __init__(self, action_type_size: Any, **cfg: Any) -> None:
        super().__init__(**cfg)
        self._output_size = action_type_size


class ActionTypeE2a(RegistersWeightNet, ActionTypeE2b):
    """E2a."""


class ActionTypeE1(PublicNames, ActionTypeE2a):
    """E1."""
