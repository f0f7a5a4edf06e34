"""`WeightModule`: a module with a weight to initialise and limit; `HeadModule`: one that scores actions by it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, TypedDict, Unpack, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from modules.errors import ConfigError
from modules.module import MettaModule
from modules.shapes import BuildContext, Shape, number, only_source, positive


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
IN_PLACE = {torch.relu: torch.relu_, torch.tanh: torch.tanh_}
"""The same, written over their argument."""


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
        scales = {"l2_norm_scale": l2_norm_scale, "l2_init_scale": l2_init_scale}
        number(clip_range=clip_range, clip_scale=clip_scale, gain=gain)
        number(**{name: scale for name, scale in scales.items() if scale is not None})
        super().__init__(in_keys, out_keys)
        self.nonlinearity = nonlinearity
        self.l2_norm_scale, self.l2_init_scale = l2_norm_scale, l2_init_scale
        self.analyze_weights = analyze_weights
        self._initialization, self._gain = initialization, gain
        self._clip_range, self._clip_scale = clip_range, clip_scale
        self._functional = FUNCTIONAL.get(nonlinearity) if isinstance(nonlinearity, str) else None
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
        self.clip_value = self.limit()
        self.initial_weights = None if self.l2_init_scale == 0 else self.weight.detach().clone()

    @property
    def clipping(self) -> tuple[float, float]:
        """`clip_range` and `clip_scale`."""
        return self._clip_range, self._clip_scale

    def limit(self) -> float:
        """The clip limit by the weights that this module began with."""
        return self._clip_range * self.largest_weight * self._clip_scale if self._clip_scale > 0 else 0

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

    def _linear(self, x: Tensor) -> Tensor:
        """The linear map and the nonlinearity, written over its result where no gradient needs that.

        Not behind a convolution: where a side is 1, strides would stay that the old stack's nonlinearity did not keep.
        """
        y = F.linear(x, self.weight, self.bias)
        if self._functional is None or y.requires_grad or type(y) is not Tensor:
            return self._activate(y)
        return IN_PLACE[self._functional](y)

    @torch.no_grad()
    def clip_weights(self) -> None:
        """Clamps the weight, never the bias, to `clip_value`; 0 means no limit. Call it after the optimizer step.

        Raises:
            ConfigError: "the weight of ... is computed ...", by a parametrisation of torch's.
        """
        if self.clip_value > 0:
            is_pruned = "weight_mask" in self._buffers
            weight = self._parameters.get("weight_orig" if is_pruned else "weight")
            if weight is None:
                way_out = "give it clip_scale: 0, or the agent clip_range: 0"
                raise ConfigError(
                    f"the weight of {self.out_keys[0]!r} is computed from others, and not clipped: {way_out}"
                )
            weight.clamp_(-self.clip_value, self.clip_value)


class HeadModule(WeightModule):
    """`[N, in_features]` -> logits `[N, out_features]`, as many as one of the environment's two action sizes says.

    Args:
        in_features: size of the hidden state.
        out_features: number of logits.
        bias: whether to add a learned bias.
        **options: see `WeightModule`.

    Raises:
        ConfigError: a size that is not positive, an unknown nonlinearity or initialization.
    """

    io_sizes = ("in_features", "out_features")
    size_index: ClassVar[int]
    """Which of the environment's `action_nvec` is `out_features`."""

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
        return self._linear(x)

    @classmethod
    def from_context(cls, context: BuildContext) -> dict[str, Any]:
        """The input size, the environment's action size at `size_index`, and the agent's clip range.

        Raises:
            ConfigError: "the environment does not say ...".
        """
        if len(context.action_nvec) != 2:
            raise ConfigError("the environment does not say its action_nvec, (action types, largest parameter + 1)")
        sizes = {"in_features": only_source(context, ndim=1)[0], "out_features": context.action_nvec[cls.size_index]}
        return {**sizes, "clip_range": context.clip_range}

    @classmethod
    def output_shape(cls, in_shapes: tuple[Shape, ...], options: Mapping[str, Any]) -> Shape:
        """`(out_features,)`."""
        return (options["out_features"],)
