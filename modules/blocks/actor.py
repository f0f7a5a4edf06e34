"""`ActorModule`: a state to the scores of actions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from modules.base import BuildContext, MettaModule, Shape, only_source, positive


class ActorModule(MettaModule):
    """`[..., state_dim]` -> `[..., action_dim]`: one linear layer.

    Args:
        state_dim: size of the input's last dimension.
        action_dim: size of the output's last dimension.

    Raises:
        ConfigError: a size that is not positive.
    """

    io_sizes = ("state_dim", "action_dim")

    def __init__(
        self,
        state_dim: int,
        action_dim: int,
        *,
        in_keys: Sequence[str] = ("state",),
        out_keys: Sequence[str] = ("action",),
    ) -> None:
        positive(state_dim=state_dim, action_dim=action_dim)
        super().__init__(in_keys, out_keys)
        self.state_dim, self.action_dim = state_dim, action_dim
        layer = nn.Linear(state_dim, action_dim)
        self.weight, self.bias = layer.weight, layer.bias

    def compute(self, state: Tensor) -> Tensor:
        """`[..., state_dim]` -> `[..., action_dim]`."""
        return F.linear(state, self.weight, self.bias)

    @classmethod
    def from_context(cls, context: BuildContext) -> dict[str, Any]:
        """The size of the state, off the source."""
        return {"state_dim": only_source(context, ndim=1)[0]}

    @classmethod
    def output_shape(cls, in_shapes: tuple[Shape, ...], options: Mapping[str, Any]) -> Shape:
        """`(action_dim,)`."""
        return (options["action_dim"],)
