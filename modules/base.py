"""`MettaModule`: pure computation between named tensors, and `WeightModule`, one with a weight to initialise and limit."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypedDict, cast, final

import torch
from torch import Tensor, nn

from modules.errors import ConfigError

Shape = tuple[int, ...]
"""Sizes without the batch dimension."""


@dataclass(frozen=True)
class BuildContext:
    """What surrounds a component while an agent is built; a config need not repeat it.

    Attributes:
        in_shapes: output shape of each source, in listed order.
        sources: the entries of `sources` in the config, each at least `{"name": ...}`.
        obs_shape: `(H, W, F)` of one observation.
        feature_normalizations: one divisor per feature.
        clip_range: the agent's clip range; 0 disables clipping.
    """

    in_shapes: tuple[Shape, ...] = ()
    sources: tuple[Mapping[str, Any], ...] = ()
    obs_shape: Shape = ()
    feature_normalizations: tuple[float, ...] = ()
    clip_range: float = 0.0


class MettaModule(nn.Module):
    """Reads the tensors named `in_keys`, writes those named `out_keys`, and knows nothing else.

    Subclasses implement `compute`. `forward` works on any mutable mapping, a `dict` as well as a `TensorDict`.

    Args:
        in_keys: names of the inputs, in the order of `compute`'s arguments.
        out_keys: names of the outputs, in the order of `compute`'s results.
    """

    in_keys: tuple[str, ...]
    out_keys: tuple[str, ...]

    fixed_in_keys: ClassVar[tuple[str, ...]] = ()
    """Inputs that every instance reads after its sources, such as a recurrent state."""
    fixed_out_keys: ClassVar[tuple[str, ...]] = ()
    """Outputs that every instance writes after its own."""
    io_sizes: ClassVar[tuple[str, ...]] = ()
    """Attributes that fix the shapes of inputs and outputs; a hot swap must keep them."""
    saved_attributes: ClassVar[tuple[str, ...]] = ()
    """Attributes outside the state dict that belong to a trained policy."""

    def __init__(self, in_keys: Sequence[str] | None = None, out_keys: Sequence[str] | None = None) -> None:
        super().__init__()
        self.in_keys = tuple(in_keys or ())
        self.out_keys = tuple(out_keys or ())

    @abstractmethod
    def compute(self, *inputs: Tensor) -> Tensor | tuple[Tensor, ...]:
        """Tensors in, a tensor or one tensor per out key back."""
        raise NotImplementedError(f"{type(self).__name__} has no compute()")

    @final
    def forward(self, data: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """Computes and writes the outputs into `data`; returns `data` itself."""
        result = self.compute(*[data[key] for key in self.in_keys])
        outputs = (result,) if isinstance(result, Tensor) else result
        for key, value in zip(self.out_keys, outputs, strict=True):
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
    def output_shape(cls, in_shapes: tuple[Shape, ...], options: Mapping[str, Any]) -> Shape:
        """Shape of the first output, from the input shapes and all constructor arguments; the first input's if alike.

        Raises:
            ConfigError: sizes that give no valid shape.
        """
        return in_shapes[0]


def only_source(context: BuildContext, ndim: int | None = None) -> Shape:
    """Shape of the single source.

    Raises:
        ConfigError: "needs exactly one source ..." or "needs a source with ... dimension(s) ...".
    """
    if len(context.in_shapes) != 1:
        raise ConfigError(f"needs exactly one source, got {len(context.in_shapes)}")
    shape = context.in_shapes[0]
    if ndim is not None and len(shape) != ndim:
        raise ConfigError(f"needs a source with {ndim} dimension(s) besides the batch, got shape {shape}")
    return shape


def positive(**sizes: int) -> None:
    """Checks constructor sizes.

    Raises:
        ConfigError: "<name> must be a positive integer, got ...".
    """
    for name, size in sizes.items():
        if not isinstance(size, int) or isinstance(size, bool) or size < 1:
            raise ConfigError(f"{name} must be a positive integer, got {size!r}")


class WeightOptions(TypedDict, total=False):
    """Keyword arguments that every module with a weight takes; see `WeightModule`."""

    nonlinearity: str | None
    initialization: str
    gain: float
    clip_range: float
    clip_scale: float
    l2_norm_scale: float | None
    l2_init_scale: float | None
    analyze_weights: bool


FUNCTIONAL = {"ReLU": torch.relu, "Tanh": torch.tanh}


class WeightModule(MettaModule):
    """A module with `weight` and perhaps `bias`, an optional nonlinearity behind it, a clip limit and an L2 anchor.

    Subclasses call `_own(layer)` with a freshly made torch layer, whose parameters become this module's own. The layer's
    default initialisation runs first and is then overwritten, so that a seed gives the weights it gave in the old stack.

    Args:
        nonlinearity: name of a class in `torch.nn`, or None.
        initialization: `orthogonal` (with `gain`), `xavier`, `normal` or `max_0_01`; the bias starts at 0.
        clip_range: the agent's; the clip limit is `clip_range * largest_weight * clip_scale`.
        clip_scale: 0 exempts this weight from clipping.
        l2_norm_scale: weight of the L2 loss, None for none.
        l2_init_scale: weight of the L2 distance to the initial weight, None for none, 0 to keep no copy either.
        analyze_weights: whether the agent's weight metrics include this weight.

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
        analyze_weights: bool = False,
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
        make = getattr(nn, name, None)
        if not (isinstance(make, type) and issubclass(make, nn.Module)):
            raise ConfigError(f"nonlinearity {name!r} is not a class of torch.nn")
        return cast(nn.Module, make())

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
        method = self._initialization.lower()
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
        raise ConfigError(f"initialization must be orthogonal, xavier, normal or max_0_01, got {self._initialization!r}")

    def _activate(self, x: Tensor) -> Tensor:
        if self._functional is not None:
            return self._functional(x)
        return x if self.nonlinearity is None else cast(Tensor, self.activation(x))

    @torch.no_grad()
    def clip_weights(self) -> None:
        """Clamps the weight, never the bias, to `clip_value`; 0 means no limit. Call it after the optimizer step."""
        if self.clip_value > 0:
            self.weight.clamp_(-self.clip_value, self.clip_value)
