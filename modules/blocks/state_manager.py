"""`StateManager`: a state and an action to the next state."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from modules.base import MettaModule, positive


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

    def compute(self, current_state: Tensor, action: Tensor) -> tuple[Tensor, Tensor]:
        """`[..., S]`, `[..., A]` -> `[..., S]`, `[..., S]`."""
        delta = torch.tanh(self.delta(torch.cat([current_state, action.to(current_state.dtype)], dim=-1)))
        return current_state + delta, delta
