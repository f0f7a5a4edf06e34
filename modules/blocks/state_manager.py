"""`StateManager`: a state and an action to the next state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from modules.base import BuildContext, MettaModule, Shape, positive
from modules.errors import ConfigError


class StateManager(MettaModule):
    """`current_state` `[..., S]`, `action` `[..., A]` -> `next_state` `[..., S]`, `state_delta` `[..., S]`.

    The change is a learned function of both, bounded by a tanh. Stands alone in a container, or behind a module in a
    `StatefulModule`.

    Args:
        state_dim: S.
        action_dim: A.

    Raises:
        ConfigError: a size that is not positive.
    """

    in_keys: Sequence[str] = ("current_state", "action")
    out_keys: Sequence[str] = ("next_state", "state_delta")
    fixed_out_keys = ("state_delta",)
    io_sizes = ("state_dim", "action_dim")

    def __init__(
        self,
        state_dim: int,
        action_dim: int,
        *,
        in_keys: Sequence[str] | None = None,
        out_keys: Sequence[str] | None = None,
    ) -> None:
        positive(state_dim=state_dim, action_dim=action_dim)
        super().__init__(in_keys, out_keys)
        self.state_dim, self.action_dim = state_dim, action_dim
        self.delta = nn.Linear(state_dim + action_dim, state_dim)

    @classmethod
    def from_context(cls, context: BuildContext) -> dict[str, Any]:
        """S and A, off the two sources.

        Raises:
            ConfigError: "needs two sources, a state and an action, vectors both ...".
        """
        if [len(shape) for shape in context.in_shapes] != [1, 1]:
            raise ConfigError(f"needs two sources, a state and an action, vectors both, got shapes {context.in_shapes}")
        return {"state_dim": context.in_shapes[0][0], "action_dim": context.in_shapes[1][0]}

    @classmethod
    def output_shape(cls, in_shapes: tuple[Shape, ...], options: Mapping[str, Any]) -> Shape:
        """`(S,)`."""
        return in_shapes[0]

    def compute(self, current_state: Tensor, action: Tensor) -> tuple[Tensor, Tensor]:
        """`[..., S]`, `[..., A]` -> `[..., S]`, `[..., S]`."""
        delta = torch.tanh(self.delta(torch.cat([current_state, action.to(current_state.dtype)], dim=-1)))
        return current_state + delta, delta
