"""`LayerBase`, the node of the old graph, and `ParamLayer`, a node with one weight (E4 to E11)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from legacy.weight_metrics import analyze_weights

Blackboard = dict[str, Any]


class LayerBase(nn.Module):
    """A layer that also finds its inputs, infers its shapes, and caches its output on the blackboard `td`.

    Quirks kept: unknown keyword arguments vanish without a word (trap 18); the output key doubles as the cache, so an
    input named like a component suppresses it (trap 25); sources run through `.forward`, so their hooks never fire
    (trap 26); two sources of one name collapse into one (trap 56). Shapes exclude the batch dimension.
    """

    # Assigned in `setup` or by subclasses; shapes, sources and parameters are whatever OmegaConf made of the config.
    _in_tensor_shapes: Any
    _out_tensor_shape: Any
    _source_components: Any
    _sources: Any
    _nn_params: Any
    _net: Any

    def __init__(self, name: str | None = None, sources: Any = None, nn_params: Any = None, **cfg: Any) -> None:
        super().__init__()
        name = cfg.pop("name", None) if name is None else name
        sources = cfg.pop("sources", None) if sources is None else sources
        nn_params = cfg.pop("_nn_params", None) if nn_params is None else nn_params
        self._name = name
        self._sources = None if sources is None else list(sources)
        if hasattr(self, "_nn_params"):
            self._nn_params.update(nn_params or {})
        else:
            self._nn_params = {} if nn_params is None else nn_params
        self._net = None
        self._ready = False

    @property
    def ready(self) -> bool:
        """Whether `setup` has run."""
        return self._ready

    def setup(self, source_components: Mapping[str, Any] | None = None) -> None:
        """Remembers the sources (outside `_modules`, so they are not registered) and builds the layer, once."""
        if self._ready:
            return
        self.__dict__["_source_components"] = source_components
        self._in_tensor_shapes = None
        if source_components is not None:
            self._in_tensor_shapes = [list(source._out_tensor_shape) for source in source_components.values()]
        self._initialize()
        self._ready = True

    def _initialize(self) -> None:
        self._net = self._make_net()

    def _make_net(self) -> nn.Module | None:
        return None

    def forward(self, td: Blackboard) -> Blackboard:
        """Writes `td[name]`, running the sources first; returns `td` itself."""
        if self._name in td:
            return td
        for source in (self._source_components or {}).values():
            source.forward(td)
        self._forward(td)
        return td

    def _forward(self, td: Blackboard) -> Blackboard:
        td[cast(str, self._name)] = self._net(td[self._sources[0]["name"]])
        return td

    def clip_weights(self) -> None:
        """Only `ParamLayer` clips."""

    def l2_reg_loss(self) -> Tensor | None:
        """Only `ParamLayer` has one."""
        return None

    def l2_init_loss(self) -> Tensor | None:
        """Only `ParamLayer` has one."""
        return None

    def update_l2_init_weight_copy(self) -> None:
        """Only `ParamLayer` keeps a copy."""

    def compute_weight_metrics(self, delta: float = 0.01) -> dict[str, Any] | None:
        """Only `ParamLayer` has weights to measure."""
        return None


class ParamLayer(LayerBase):
    """A layer with one weight: initialisation, an optional nonlinearity, a clip limit and an L2 anchor.

    Quirks kept: the nonlinearity defaults to ReLU and only an explicit `None` removes it, which moves the state-dict
    keys from `_net.0.*` to `_net.*` (trap 6); the clip limit comes from the signed maximum of an orthogonal weight and
    is frozen at construction (trap 13); the losses read `.data` and carry no gradient (trap 9).
    """

    weight_net: Any
    l2_norm_scale: Any
    l2_init_scale: Any

    def __init__(
        self,
        clip_scale: float = 1,
        analyze_weights: bool | None = None,
        l2_norm_scale: float | None = None,
        l2_init_scale: float | None = None,
        nonlinearity: str | None = "nn.ReLU",
        initialization: str = "Orthogonal",
        clip_range: float | None = None,
        **cfg: Any,
    ) -> None:
        self.clip_scale = clip_scale
        self.analyze_weights_bool = analyze_weights
        self.l2_norm_scale = l2_norm_scale
        self.l2_init_scale = l2_init_scale
        self.nonlinearity = nonlinearity
        self.initialization = initialization
        self.global_clip_range: Any = clip_range
        super().__init__(**cfg)

    def _initialize(self) -> None:
        self._keep_weight_net(self._make_net())
        self.largest_weight = self._initialize_weights()
        limit = self.global_clip_range * self.largest_weight * self.clip_scale if self.clip_scale > 0 else 0
        self.clip_value: Any = limit
        self.initial_weights = None if self.l2_init_scale == 0 else self.weight_net.weight.data.clone()
        if self.nonlinearity is None:
            self._net = self.weight_net
        else:
            self._net = nn.Sequential(self.weight_net, self._make_nonlinearity(self.nonlinearity))

    def _keep_weight_net(self, net: Any) -> None:
        self.__dict__["weight_net"] = net  # not registered, since it is part of `_net`

    def _make_nonlinearity(self, path: str) -> nn.Module:
        # The part before the dot is ignored, as it was: "x.ReLU" works, "ReLU" and "torch.nn.ReLU" do not.
        try:
            _, name = path.split(".")
            if name not in dir(nn):
                raise KeyError(name)
            make = getattr(nn, name)
        except (AttributeError, KeyError, ValueError) as error:
            raise ValueError(f"Unsupported nonlinearity: {path}") from error
        return cast(nn.Module, make())

    def _initialize_weights(self) -> Any:
        """Fills weight and bias; the returned `largest_weight` is a numpy scalar for xavier and normal (trap 54)."""
        weight = self.weight_net.weight
        fan_in, fan_out = self._in_tensor_shapes[0][0], self._out_tensor_shape[0]
        method = self.initialization.lower()
        largest: Any
        if method == "orthogonal":
            nn.init.orthogonal_(weight, gain=math.sqrt(2) if self.nonlinearity == "nn.Tanh" else 1)
            largest = weight.max().item()
        elif method == "xavier":
            largest = np.sqrt(6 / (fan_in + fan_out))
            nn.init.xavier_uniform_(weight)
        elif method == "normal":
            largest = np.sqrt(2 / fan_in)
            nn.init.normal_(weight, mean=0, std=largest)
        elif method == "max_0_01":
            largest = 0.01
            nn.init.uniform_(weight, a=-largest, b=largest)
        else:
            raise ValueError(f"Invalid initialization method: {self.initialization}")
        if isinstance(getattr(self.weight_net, "bias", None), nn.Parameter):
            nn.init.constant_(self.weight_net.bias, 0)
        return largest

    def clip_weights(self) -> None:
        """Clamps the weight (never the bias) into new storage, as the old code did (trap 14)."""
        if self.clip_value > 0:
            with torch.no_grad():
                weight = self.weight_net.weight
                weight.data = weight.data.clamp(-self.clip_value, self.clip_value)

    def l2_reg_loss(self) -> Tensor:
        """Scalar `sum(w^2) * l2_norm_scale`, without gradient; 0 where the scale is 0 or None."""
        weight = self.weight_net.weight.data
        if not self.l2_norm_scale:
            return torch.tensor(0.0, device=weight.device)
        loss: Tensor = torch.sum(weight**2) * self.l2_norm_scale
        return loss

    def l2_init_loss(self) -> Tensor:
        """Scalar `sum((w - w_initial)^2) * l2_init_scale`, without gradient; 0 where the scale is 0 or None."""
        weight = self.weight_net.weight.data
        if not self.l2_init_scale:
            return torch.tensor(0.0, device=weight.device)
        loss: Tensor = torch.sum((weight - cast(Tensor, self.initial_weights)) ** 2) * self.l2_init_scale
        return loss

    def update_l2_init_weight_copy(self, alpha: float = 0.9) -> None:
        """Moves the anchor towards the present weight: `a * anchor + (1 - a) * w`."""
        if self.initial_weights is not None:
            weight = self.weight_net.weight.data
            self.initial_weights = (self.initial_weights * alpha + weight * (1 - alpha)).clone()

    def compute_weight_metrics(self, delta: float = 0.01) -> dict[str, Any] | None:
        """Singular-value statistics of a 2-D weight, if the layer asked for them; draws from the global generator."""
        weight = self.weight_net.weight.data
        if weight.dim() != 2 or not self.analyze_weights_bool:
            return None
        return {**analyze_weights(weight, delta), "name": self._name}
