"""`PolicyModule`: a state to continuous actions, through one hidden layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from modules.base import BuildContext, MettaModule, Shape, only_source, positive


class PolicyModule(MettaModule):
    """`[..., state_dim]` -> `[..., action_dim]`: linear, tanh, linear.

    Args:
        state_dim: size of the input's last dimension.
        action_dim: size of the output's last dimension.
        hidden_size: size of the hidden layer; `state_dim` if None.

    Raises:
        ConfigError: a size that is not positive.
    """

    io_sizes = ("state_dim", "action_dim")

    def __init__(
        self,
        state_dim: int,
        action_dim: int,
        hidden_size: int | None = None,
        *,
        in_keys: Sequence[str] = ("state",),
        out_keys: Sequence[str] = ("action",),
    ) -> None:
        hidden_size = state_dim if hidden_size is None else hidden_size
        positive(state_dim=state_dim, action_dim=action_dim, hidden_size=hidden_size)
        super().__init__(in_keys, out_keys)
        self.state_dim, self.action_dim = state_dim, action_dim
        self.hidden, self.output = nn.Linear(state_dim, hidden_size), nn.Linear(hidden_size, action_dim)

    def compute(self, state: Tensor) -> Any:
        """`[..., state_dim]` -> `[..., action_dim]`."""
        return self.output(torch.tanh(self.hidden(state)))

    @classmethod
    def from_context(cls, context: BuildContext) -> dict[str, Any]:
        """The size of the state, off the source."""
        return {"state_dim": only_source(context, ndim=1)[0]}

    @classmethod
    def output_shape(cls, in_shapes: tuple[Shape, ...], options: Mapping[str, Any]) -> Shape:
        """`(action_dim,)`."""
        return (options["action_dim"],)
