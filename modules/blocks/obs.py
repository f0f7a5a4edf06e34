"""`ObsModule`: observations of any shape to a vector."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from modules.base import BuildContext, MettaModule, Shape, positive
from modules.errors import ConfigError


class ObsModule(MettaModule):
    """`[N, *obs_shape]` of any dtype -> `[N, out_features]`: flattened, linear, ReLU.

    Args:
        obs_shape: sizes of one observation.
        out_features: size of the output.

    Raises:
        ConfigError: a size that is not positive, "reads the observation and takes no sources ...".
    """

    fixed_in_keys = ("x",)
    io_sizes = ("obs_shape", "out_features")

    def __init__(
        self,
        obs_shape: Sequence[int],
        out_features: int,
        *,
        in_keys: Sequence[str] = ("x",),
        out_keys: Sequence[str] = ("output",),
    ) -> None:
        positive(out_features=out_features, **{f"obs_shape[{i}]": size for i, size in enumerate(obs_shape)})
        super().__init__(in_keys, out_keys)
        self.obs_shape, self.out_features = tuple(obs_shape), out_features
        layer = nn.Linear(math.prod(obs_shape), out_features)
        self.weight, self.bias = layer.weight, layer.bias

    def compute(self, x: Tensor) -> Tensor:
        """`[N, *obs_shape]` -> `[N, out_features]`."""
        return torch.relu(F.linear(x.flatten(1).to(self.weight.dtype), self.weight, self.bias))

    @classmethod
    def from_context(cls, context: BuildContext) -> dict[str, Any]:
        """The environment's observation shape."""
        if context.in_shapes:
            raise ConfigError(f"reads the observation and takes no sources, got {len(context.in_shapes)}")
        return {"obs_shape": context.obs_shape}

    @classmethod
    def output_shape(cls, in_shapes: tuple[Shape, ...], options: Mapping[str, Any]) -> Shape:
        """`(out_features,)`."""
        return (options["out_features"],)
