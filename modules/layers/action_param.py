"""`ActionParamModule`: the head that scores the parameters of actions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Unpack

from torch import Tensor, nn
from torch.nn import functional as F

from modules.base import BuildContext, Shape, WeightModule, WeightOptions, only_source, positive
from modules.errors import ConfigError


class ActionParamModule(WeightModule):
    """`[N, in_features]` -> logits `[N, out_features]`; largest parameter + 1, by the environment.

    Args:
        in_features: size of the hidden state.
        out_features: largest parameter + 1.
        bias: whether to add a learned bias.
        **options: see `WeightModule`.

    Raises:
        ConfigError: a size that is not positive, an unknown nonlinearity or initialization.
    """

    io_sizes = ("in_features", "out_features")

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        bias: bool = True,
        in_keys: Sequence[str] = ("hidden",),
        out_keys: Sequence[str] = ("logits",),
        **options: Unpack[WeightOptions],
    ) -> None:
        positive(in_features=in_features, out_features=out_features)
        super().__init__(in_keys, out_keys, **options)
        self.in_features, self.out_features = in_features, out_features
        self._own(nn.Linear(in_features, out_features, bias=bias), in_features, out_features)

    def compute(self, x: Tensor) -> Tensor:
        """`x` `[N, in_features]` -> `[N, out_features]`."""
        return self._activate(F.linear(x, self.weight, self.bias))

    @classmethod
    def from_context(cls, context: BuildContext) -> dict[str, Any]:
        """The input size, the environment's largest parameter + 1, and the agent's clip range.

        Raises:
            ConfigError: "the environment does not say ...".
        """
        if len(context.action_nvec) != 2:
            raise ConfigError("the environment does not say its action_nvec, (action types, largest parameter + 1)")
        sizes = {"in_features": only_source(context, ndim=1)[0], "out_features": context.action_nvec[1]}
        return {**sizes, "clip_range": context.clip_range}

    @classmethod
    def output_shape(cls, in_shapes: tuple[Shape, ...], options: Mapping[str, Any]) -> Shape:
        """`(out_features,)`."""
        return (options["out_features"],)
