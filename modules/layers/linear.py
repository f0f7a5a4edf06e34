"""`LinearModule`: a fully connected layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Unpack

from torch import Tensor, nn

from modules.base import BuildContext, Shape, WeightModule, WeightOptions, only_source, positive


class LinearModule(WeightModule):
    """`[..., in_features]` -> `[..., out_features]`.

    Args:
        in_features: size of the input's last dimension.
        out_features: size of the output's last dimension; that of the input if None.
        bias: whether to add a learned bias.
        **options: see `WeightModule`.

    Raises:
        ConfigError: a size that is not positive, an unknown nonlinearity or initialization.
    """

    io_sizes = ("in_features", "out_features")

    def __init__(
        self,
        in_features: int,
        out_features: int | None = None,
        *,
        bias: bool = True,
        in_keys: Sequence[str] = ("input",),
        out_keys: Sequence[str] = ("output",),
        **options: Unpack[WeightOptions],
    ) -> None:
        out_features = in_features if out_features is None else out_features
        positive(in_features=in_features, out_features=out_features)
        super().__init__(in_keys, out_keys, **options)
        self.in_features, self.out_features = in_features, out_features
        self._own(nn.Linear(in_features, out_features, bias=bias), in_features, out_features)

    def compute(self, x: Tensor) -> Tensor:
        """`x` `[..., in_features]` -> `[..., out_features]`."""
        return self._linear(x)

    @classmethod
    def from_context(cls, context: BuildContext) -> dict[str, Any]:
        """The input size, which must be that of a vector, and the agent's clip range."""
        return {"in_features": only_source(context, ndim=1)[0], "clip_range": context.clip_range}

    @classmethod
    def output_shape(cls, in_shapes: tuple[Shape, ...], options: Mapping[str, Any]) -> Shape:
        """`(out_features,)`."""
        return (options.get("out_features") or options["in_features"],)
