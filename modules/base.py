"""`MettaModule`: pure computation between named tensors; `WeightModule`: one with a weight to initialise and limit."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from typing import Any, ClassVar, TypedDict, cast, final

import torch
from torch import Tensor, nn

from modules.errors import ConfigError, GraphError
from modules.shapes import (
    BuildContext,
    Shape,
    axis_of,
    checked_slices,
    common_shape,
    merge_options,
    narrowed,
    narrowed_shapes,
    only_source,
    positive,
    probability,
)

__all__ = [
    "BuildContext",
    "MettaModule",
    "Shape",
    "WeightModule",
    "WeightOptions",
    "axis_of",
    "checked_slices",
    "common_shape",
    "merge_options",
    "narrowed",
    "narrowed_shapes",
    "only_source",
    "positive",
    "probability",
]


def _no_compute(self: nn.Module, *_: Tensor) -> Any:
    raise NotImplementedError(f"{type(self).__name__} has no compute()")


class MettaModule(nn.Module):
    """Reads the tensors named `in_keys`, writes those named `out_keys`, and knows nothing else.

    Subclasses implement `compute`. `forward` works on any mutable mapping, a `dict` as well as a `TensorDict`.

    Args:
        in_keys: names of the inputs, in the order of `compute`'s arguments.
        out_keys: names of the outputs, in the order of `compute`'s results.

    Raises:
        ConfigError: "in_keys must be a sequence of names ...".
    """

    in_keys: tuple[str, ...]
    out_keys: tuple[str, ...]

    fixed_in_keys: ClassVar[tuple[str, ...]] = ()
    """Inputs that every instance reads after its sources, such as a recurrent state."""
    fixed_out_keys: ClassVar[tuple[str, ...]] = ()
    """Outputs that every instance writes after its own."""
    io_sizes: ClassVar[tuple[str, ...]] = ()
    """Attributes that fix the shapes of inputs and outputs; a hot swap must keep them."""
    saved_attributes: tuple[str, ...] = ()
    """Attributes outside the state dict that belong to a trained policy; an instance may have fewer than its class."""

    def __init__(self, in_keys: Sequence[str] | None = None, out_keys: Sequence[str] | None = None) -> None:
        super().__init__()
        self.in_keys = _names("in_keys", in_keys)
        self.out_keys = _names("out_keys", out_keys)

    compute: Callable[..., Any] = _no_compute
    """Tensors in, a tensor or one tensor per out key back. Subclasses implement it, each with its own inputs."""

    @final  # type: ignore[misc]  # torch declares a writable attribute
    def forward(self, data: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """Computes and writes the outputs into `data`; returns `data` itself.

        Raises:
            GraphError: "... computed ... output(s) for ...", with nothing written.
        """
        result = self.compute(*[data[key] for key in self.in_keys])
        for key, value in zip(self.out_keys, one_per_key(self, result), strict=True):
            data[key] = value
        return data

    @classmethod
    def from_context(cls, context: BuildContext) -> dict[str, Any]:
        """Constructor arguments that the graph or the environment decides.

        Raises:
            ConfigError: sources whose number or shape does not fit.
        """
        return {}

    @classmethod
    def in_keys_for(cls, options: Mapping[str, Any]) -> tuple[str, ...]:
        """Inputs besides the sources, which may depend on the constructor arguments `options`."""
        return cls.fixed_in_keys

    @classmethod
    def output_shape(cls, in_shapes: tuple[Shape, ...], options: Mapping[str, Any]) -> Shape:
        """Shape of the first output, from the input shapes and all constructor arguments; the first input's if alike.

        Raises:
            ConfigError: sizes that give no valid shape, or no input shape to repeat.
        """
        if not in_shapes:
            raise ConfigError(f"has no sources, so {cls.__name__} must define output_shape")
        return in_shapes[0]


def _names(what: str, keys: Any) -> tuple[str, ...]:
    if isinstance(keys, str) or not all(isinstance(key, str) for key in keys or ()):
        raise ConfigError(f"{what} must be a sequence of names such as ('input',), got {keys!r}")
    return tuple(keys or ())


def one_per_key(module: nn.Module, result: Any) -> tuple[Tensor, ...]:
    """What `compute` returned, as one value per out key.

    Raises:
        GraphError: "... computed ... output(s) for ...".
    """
    outputs = tuple(result) if isinstance(result, (tuple, list)) else (result,)
    keys = cast(Any, module).out_keys
    if len(outputs) != len(keys):
        raise GraphError(
            f"{type(module).__name__} computed {len(outputs)} output(s) for {len(keys)} out_keys {keys}; "
            f"compute() must return one tensor per key"
        )
    return outputs


class WeightOptions(TypedDict, total=False):
    """Keyword arguments that every module with a weight takes; see `WeightModule`."""

    nonlinearity: str | None
    initialization: str
    gain: float
    clip_range: float
    clip_scale: float
    l2_norm_scale: float | None
    l2_init_scale: float | None
    analyze_weights: bool | None


FUNCTIONAL = {"ReLU": torch.relu, "Tanh": torch.tanh}


class WeightModule(MettaModule):
    """A module with `weight` and perhaps `bias`, an optional nonlinearity behind it, a clip limit and an L2 anchor.

    Subclasses call `_own(layer)` with a freshly made torch layer, whose parameters become this module's own. Its
    default initialisation runs first and is then overwritten, so that a seed gives the old stack's weights.

    Args:
        nonlinearity: name of a class in `torch.nn`, or None.
        initialization: `orthogonal` (with `gain`), `xavier`, `normal` or `max_0_01`; the bias starts at 0.
        clip_range: the agent's; the clip limit is `clip_range * largest_weight * clip_scale`.
        clip_scale: 0 exempts this weight from clipping.
        l2_norm_scale: weight of the L2 loss, None for none.
        l2_init_scale: weight of the L2 distance to the initial weight, None for none, 0 to keep no copy either.
        analyze_weights: whether the agent's weight metrics include this weight; None for no.

    Raises:
        ConfigError: an unknown nonlinearity or initialization.
    """

    weight: Tensor
    bias: Tensor | None
    saved_attributes = ("largest_weight", "clip_value", "initial_weights")

    def __init__(
        self,
        in_keys: Sequence[str],
        out_keys: Sequence[str],
        *,
        nonlinearity: str | None = None,
        initialization: str = "orthogonal",
        gain: float = 1.0,
        clip_range: float = 0.0,
        clip_scale: float = 1,
        l2_norm_scale: float | None = None,
        l2_init_scale: float | None = None,
        analyze_weights: bool | None = None,
    ) -> None:
        super().__init__(in_keys, out_keys)
        self.nonlinearity = nonlinearity
        self.l2_norm_scale, self.l2_init_scale = l2_norm_scale, l2_init_scale
        self.analyze_weights = analyze_weights
        self._initialization, self._gain = initialization, gain
        self._clip_range, self._clip_scale = clip_range, clip_scale
        self._functional = FUNCTIONAL.get(nonlinearity) if nonlinearity else None
        if nonlinearity is not None and self._functional is None:
            self.activation = self._make_activation(nonlinearity)

    @staticmethod
    def _make_activation(name: str) -> nn.Module:
        make = getattr(nn, str(name), None)
        if not (isinstance(make, type) and issubclass(make, nn.Module)):
            raise ConfigError(f"nonlinearity {name!r} is not a class of torch.nn; give a name such as 'ReLU', or null")
        try:
            return make()
        except TypeError as error:
            raise ConfigError(f"nonlinearity {name!r} cannot be made without arguments: {error}") from error

    def _own(self, layer: nn.Module, fan_in: int, fan_out: int) -> None:
        """Takes the layer's parameters over and initialises them (`fan_*` are channels, without the kernel area)."""
        self.weight = cast(nn.Parameter, layer.weight)
        self.register_parameter("bias", cast("nn.Parameter | None", layer.bias))
        self.largest_weight = self._initialize(fan_in, fan_out)
        if self.bias is not None:
            nn.init.zeros_(self.bias)
        limit = self._clip_range * self.largest_weight * self._clip_scale
        self.clip_value = limit if self._clip_scale > 0 else 0
        self.initial_weights = None if self.l2_init_scale == 0 else self.weight.detach().clone()

    def _initialize(self, fan_in: int, fan_out: int) -> float:
        method = str(self._initialization).lower()
        if method == "orthogonal":
            nn.init.orthogonal_(self.weight, gain=self._gain)
            return self.weight.max().item()
        if method == "xavier":
            nn.init.xavier_uniform_(self.weight)
            return math.sqrt(6 / (fan_in + fan_out))
        if method == "normal":
            std = math.sqrt(2 / fan_in)
            nn.init.normal_(self.weight, 0.0, std)
            return std
        if method == "max_0_01":
            nn.init.uniform_(self.weight, -0.01, 0.01)
            return 0.01
        known = "orthogonal, xavier, normal or max_0_01"
        raise ConfigError(f"initialization must be {known}, got {self._initialization!r}")

    def _activate(self, x: Tensor) -> Tensor:
        if self._functional is not None:
            return self._functional(x)
        return x if self.nonlinearity is None else cast(Tensor, self.activation(x))

    @torch.no_grad()
    def clip_weights(self) -> None:
        """Clamps the weight, never the bias, to `clip_value`; 0 means no limit. Call it after the optimizer step."""
        if self.clip_value > 0:
            self.weight.clamp_(-self.clip_value, self.clip_value)
