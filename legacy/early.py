"""`LayerBase` and `ParamLayer` of E1 to E3: one source, and sizes without space, since a layer knew one number each."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from legacy.base import Blackboard, LayerBase, ParamLayer
from legacy.weight_metrics import effective_rank

SHARED_PARAMS: dict[str, Any] = {}
"""The default of `nn_params`: one dict for all layers."""


class EarlyLayer(LayerBase):
    """A layer of E2 and E3, in the words of `LayerBase` where these fit, so that later layers can be based on both.

    Quirks kept: unknown keyword arguments vanish (trap 18), and all layers without `nn_params` share one dict.

    Raises:
        ValueError: "Either input source or output size must be set ..." in `setup`.
    """

    _input_source: Any
    _input_source_component: Any
    _input_size: Any
    _output_size: Any

    def __init__(
        self,
        name: Any,
        input_source: Any = None,
        output_size: Any = None,
        nn_params: Any = SHARED_PARAMS,
        **cfg: Any,
    ) -> None:
        nn.Module.__init__(self)
        self._name = name
        self._input_source = input_source
        self._output_size = output_size
        self._nn_params = nn_params
        self._net = None
        self._ready = False

    @property
    def output_size(self) -> Any:
        """Size of the first dimension behind the batch; of images, the channels."""
        return self._output_size

    @property
    def _in_tensor_shapes(self) -> list[list[Any]]:
        return [[self._input_size]]

    @property
    def _out_tensor_shape(self) -> list[Any]:
        return [self._output_size]

    @_out_tensor_shape.setter
    def _out_tensor_shape(self, shape: Any) -> None:
        """Shapes came with E4."""

    @property
    def _sources(self) -> list[dict[str, Any]] | None:
        return None if self._input_source is None else [{"name": self._input_source}]

    def setup(self, input_source_component: Any = None) -> None:
        """Remembers the source, takes its size over, and builds the layer, once."""
        if self._ready:
            return
        self._remember_source(input_source_component)
        if input_source_component is None:
            self._input_size = None
            if self._output_size is None:
                raise ValueError(f"Either input source or output size must be set for layer {self._name}")
        else:
            self._input_size = input_source_component.output_size
        if self._output_size is None:
            self._output_size = self._input_size
        self._initialize()
        self._ready = True

    def _remember_source(self, component: Any) -> None:
        self.__dict__["_input_source_component"] = component

    def forward(self, td: Blackboard) -> Blackboard:
        """Writes `td[name]`, running the source first; returns `td` itself."""
        if self._name in td:
            return td
        if self._input_source_component is not None:
            self._input_source_component.forward(td)
        self._forward(td)
        return td


class EarlyParamLayer(ParamLayer, EarlyLayer):
    """A layer with one weight in E2b and E2c, whose weight statistics were its effective rank alone."""

    def __init__(
        self,
        clip_scale: float = 1,
        effective_rank: bool | None = None,
        l2_norm_scale: float | None = None,
        l2_init_scale: float | None = None,
        nonlinearity: str | None = "nn.ReLU",
        initialization: str = "Orthogonal",
        clip_range: float | None = None,
        **cfg: Any,
    ) -> None:
        self.clip_scale = clip_scale
        self.effective_rank_bool = effective_rank
        self.l2_norm_scale = l2_norm_scale
        self.l2_init_scale = l2_init_scale
        self.nonlinearity = nonlinearity
        self.initialization = initialization
        self.global_clip_range = clip_range
        EarlyLayer.__init__(self, **cfg)

    def compute_weight_metrics(self, delta: float = 0.01) -> None:
        """Came with E3b."""

    def compute_effective_rank(self, delta: float = 0.01) -> dict[str, Any] | None:
        """`name` and `effective_rank` of a 2-D weight, if the layer asked for it."""
        weight: Tensor = self.weight_net.weight.data
        if weight.dim() != 2 or not self.effective_rank_bool:
            return None
        return {"name": self._name, "effective_rank": effective_rank(weight, delta)}


class RegistersWeightNet:
    """E1 and E2a: the layer's `weight_net` is a child beside its `_net`, so keys come twice (trap 44)."""

    weight_net: Any

    def _keep_weight_net(self, net: Any) -> None:
        self.weight_net = net


class EarlyParamLayerE3b(ParamLayer, EarlyLayer):
    """A layer with one weight from 2025-04-22 on, with the arguments and statistics that E4 has."""


_WITHOUT_UNDERSCORE = (
    *("name", "input_source", "input_source_component", "output_size", "input_size", "nn_params", "net", "obs_shape"),
)
PUBLIC = {f"_{name}": name for name in _WITHOUT_UNDERSCORE}


class PublicNames:
    """E1: attributes have no underscore, and a layer registers its source below itself (trap 44).

    Mixed in before the class of E2, whose code it serves under the names that E1 stored.
    """

    output_size: Any = None

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(PUBLIC.get(name, name), value)

    def __getattr__(self, name: str) -> Any:
        if name in PUBLIC:
            return getattr(self, PUBLIC[name])
        return super().__getattr__(name)  # type: ignore[misc]  # of nn.Module, which is mixed in

    def _remember_source(self, component: Any) -> None:
        self.input_source_component = component
