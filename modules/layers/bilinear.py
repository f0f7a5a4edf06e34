"""`BilinearModule`: a bilinear form of two vectors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from modules.base import BuildContext, MettaModule, Shape, positive
from modules.errors import ConfigError


class BilinearModule(MettaModule):
    """`[..., in1_features]`, `[..., in2_features]` -> `[..., out_features]`: `a W_k b + bias_k`.

    Args:
        in1_features: size of the first input's last dimension.
        in2_features: size of the second input's last dimension.
        out_features: size of the output's last dimension.
        bias: whether to add a learned bias.

    Raises:
        ConfigError: a size that is not positive.
    """

    io_sizes = ("in1_features", "in2_features", "out_features")
    bias: Tensor | None

    def __init__(
        self,
        in1_features: int,
        in2_features: int,
        out_features: int,
        *,
        bias: bool = True,
        in_keys: Sequence[str] = ("input1", "input2"),
        out_keys: Sequence[str] = ("output",),
    ) -> None:
        positive(in1_features=in1_features, in2_features=in2_features, out_features=out_features)
        super().__init__(in_keys, out_keys)
        self.in1_features, self.in2_features, self.out_features = in1_features, in2_features, out_features
        layer = nn.Bilinear(in1_features, in2_features, out_features, bias=bias)
        self.weight = layer.weight
        self.register_parameter("bias", layer.bias)

    def compute(self, a: Tensor, b: Tensor) -> Tensor:
        """`a` `[..., in1_features]`, `b` `[..., in2_features]` -> `[..., out_features]`."""
        return F.bilinear(a, b, self.weight, self.bias)

    @classmethod
    def from_context(cls, context: BuildContext) -> dict[str, Any]:
        """Both input sizes, off two vectors; the old stack took images for vectors, and failed when it ran.

        Raises:
            ConfigError: "needs two sources that are vectors ...".
        """
        if [len(shape) for shape in context.in_shapes] != [1, 1]:
            raise ConfigError(f"needs two sources that are vectors, got shapes {context.in_shapes}")
        return {"in1_features": context.in_shapes[0][0], "in2_features": context.in_shapes[1][0]}

    @classmethod
    def output_shape(cls, in_shapes: tuple[Shape, ...], options: Mapping[str, Any]) -> Shape:
        """`(out_features,)`."""
        return (options["out_features"],)
