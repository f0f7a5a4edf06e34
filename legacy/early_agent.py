"""`MettaAgent` of E1 to E3: two action heads, sizes by the environment, and an inverse covariance for curiosity."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, cast

import torch
from omegaconf import OmegaConf
from torch import Tensor, nn

from legacy.early_sampling import sample_logits
from legacy.instantiate import by_hydra

if TYPE_CHECKING:  # imported only by who runs such an agent: it takes as long as torch
    from legacy.policy_state import PolicyState

HEADS = ("_value_", "_action_type_", "_action_param_")
State = tuple[Tensor, Tensor]
E3B_DECAY = 0.99


class MettaAgentE2c(nn.Module):
    """2025-03-13: eight results, the last of them the log-probabilities of both heads.

    Quirks kept: as in E4, what components are told overrides their config (trap 19), parameter order is YAML order and
    initialisation order that of the graph (traps 3, 4), a component that no head reaches is an error (trap 58).
    """

    is_moved_by_caller: ClassVar[bool] = False

    def __init__(
        self, obs_shape: Any, obs_space: Any, action_space: Any, grid_features: Any, device: Any, **cfg: Any
    ) -> None:
        super().__init__()
        config: Any = OmegaConf.create(cfg)
        self.hidden_size = config.components._core_.output_size
        self.core_num_layers = config.components._core_.nn_params.num_layers
        self.clip_range = config.clip_range
        told = {
            "obs_shape": obs_shape,
            "clip_range": self.clip_range,
            "action_space": action_space,
            "grid_features": grid_features,
            "obs_key": config.observations.obs_key,
            "obs_input_shape": obs_shape[1:],
            "num_objects": obs_shape[2],
            "hidden_size": self.hidden_size,
            "core_num_layers": self.core_num_layers,
            "action_type_size": action_space.nvec[0],
            "action_param_size": action_space.nvec[1],
        }
        self.components = nn.ModuleDict()
        for name, component_cfg in config.components.items():
            component_cfg["name"] = str(name)
            self.components[str(name)] = by_hydra(component_cfg, **told)
        for head in HEADS:
            self._setup_components(self.components[head])
        for name, component in self.components.items():
            if not component.ready:
                raise RuntimeError(
                    f"Component {name} in MettaAgent was never setup. It might not be accessible by other components."
                )
        if not self.is_moved_by_caller:
            self.components = self.components.to(device)
        self._total_params = sum(parameter.numel() for parameter in self.parameters())

    def _setup_components(self, component: Any) -> None:
        source = component._input_source
        if source is None:
            component.setup()
        elif isinstance(source, str):
            self._setup_components(self.components[source])
            component.setup(self.components[source])
        else:
            for name in source:
                self._setup_components(self.components[name])
            component.setup({name: self.components[name] for name in source})

    @property
    def lstm(self) -> Any:
        """The `nn.LSTM` of the core."""
        return cast(Any, self.components["_core_"])._net

    @property
    def total_params(self) -> int:
        """Number of parameters."""
        return self._total_params

    def forward(
        self, x: Tensor, state: State | None = None, action: Tensor | None = None, e3b: Tensor | None = None
    ) -> tuple[Any, ...]:
        """Samples actions, or evaluates given ones.

        Args:
            x: observations `[B, ...]` or `[B, T, ...]`.
            state: hidden and cell state `[layers, B, hidden]`, or None.
            action: `[B, T, 2]` integers `(type, parameter)`, or None to sample.
            e3b: `[B, hidden, hidden]`, the inverse covariance of hidden states so far, or None.

        Returns:
            Action `[BT, 2]`, log_prob `[BT]`, entropy `[BT]`, value `[BT, 1]`, the new state, the new `e3b`, the
            intrinsic reward, and the log-probabilities of each head.
        """
        td, new_state = self._run(x, state)
        e3b, reward = _curiosity(td["_core_"].detach(), e3b)
        drawn, log_prob, entropy, normalized = sample_logits([td[head] for head in HEADS[1:]], action)
        return drawn, log_prob, entropy, td["_value_"], new_state, e3b, reward, normalized

    def get_value(self, x: Tensor, state: State | None = None) -> tuple[None, Tensor, None]:
        """The value alone, as the old trainer bootstrapped from it."""
        return None, self._run(x, state, HEADS[:1])[0]["_value_"], None

    def get_action_and_value(
        self, x: Tensor, state: State | None = None, action: Tensor | None = None, e3b: Tensor | None = None
    ) -> tuple[Any, ...]:
        """Another name of `forward`."""
        return self.forward(x, state, action, e3b)

    def _run(self, x: Tensor, state: State | None, heads: tuple[str, ...] = HEADS) -> tuple[dict[str, Any], State]:
        td: dict[str, Any] = {"x": x, "state": None if state is None else torch.cat(state, dim=0).to(x.device)}
        for head in heads:
            self.components[head](td)
        return td, (td["state"][: self.core_num_layers], td["state"][self.core_num_layers :])

    def _results_of(self, method: str, *args: Any) -> list[Any]:
        calls: list[Callable[..., Any]] = [getattr(component, method) for component in self.components.values()]
        return [call(*args) for call in calls]

    def l2_reg_loss(self) -> Tensor:
        """Sum over the components; those without a weight count as 0, and so does a loss of 0.0, an integer then."""
        return torch.tensor(sum(loss or 0 for loss in self._results_of("l2_reg_loss")))

    def l2_init_loss(self) -> Tensor:
        """Sum over the components, likewise."""
        return torch.tensor(sum(loss or 0 for loss in self._results_of("l2_init_loss")))

    def update_l2_init_weight_copy(self) -> None:
        """Moves every anchor towards the present weights."""
        self._results_of("update_l2_init_weight_copy")

    def clip_weights(self) -> None:
        """Clips every `ParamLayer`, if the agent clips at all."""
        if self.clip_range > 0:
            self._results_of("clip_weights")

    def compute_effective_rank(self, delta: float = 0.01) -> list[Mapping[str, Any]]:
        """Nothing until 2025-04-02: the agent asked for a method that only the base class had (trap 61)."""
        return []


class MettaAgentE2b(MettaAgentE2c):
    """2025-02-27: seven results."""

    def forward(
        self, x: Tensor, state: State | None = None, action: Tensor | None = None, e3b: Tensor | None = None
    ) -> tuple[Any, ...]:
        """See `MettaAgentE2c.forward`, without the log-probabilities of each head."""
        return super().forward(x, state, action, e3b)[:-1]


class MettaAgentE1(MettaAgentE2b):
    """2025-02-20: the caller moves it to a device."""

    is_moved_by_caller = True


class MettaAgent0402(MettaAgentE2c):
    """2025-04-02: the effective rank is computed."""

    def compute_effective_rank(self, delta: float = 0.01) -> list[Mapping[str, Any]]:
        """Of the layers that asked for it, in component order."""
        layers = [component for component in self.components.values() if hasattr(component, "compute_effective_rank")]
        ranks = [cast(Any, layer).compute_effective_rank(delta) for layer in layers]
        return [rank for rank in ranks if rank is not None]


class MettaAgentE3b(MettaAgentE2c):
    """2025-04-22: statistics of weights instead of their effective rank."""

    compute_effective_rank = None  # type: ignore[assignment]

    def compute_weight_metrics(self, delta: float = 0.01) -> list[Mapping[str, Any]]:
        """The metrics of the layers that asked for them, in component order."""
        return [metrics for metrics in self._results_of("compute_weight_metrics", delta) if metrics]


class MettaAgent0430(MettaAgentE3b):
    """2025-04-30: a `PolicyState`, no curiosity, and logits for a caller who samples."""

    def forward(  # type: ignore[override]
        self, x: Tensor, state: PolicyState, action: Tensor | None = None
    ) -> tuple[list[Tensor], Tensor]:
        """Logits of both heads, and the value `[BT, 1]`; `state` is overwritten with the new one."""
        carried = None if state.lstm_h is None or state.lstm_c is None else (state.lstm_h, state.lstm_c)
        td, (state.lstm_h, state.lstm_c) = self._run(x, carried)
        return [td[head] for head in HEADS[1:]], td["_value_"]


def _curiosity(phi: Tensor, e3b: Tensor | None) -> tuple[Tensor | None, Tensor | None]:
    """The next inverse covariance, and how little it expected the hidden states `[N, H]`."""
    if e3b is None:
        return None, None
    u = phi.unsqueeze(1) @ e3b
    reward = u @ phi.unsqueeze(2)
    return E3B_DECAY * e3b - (u.mT @ u) / (1 + reward), reward.squeeze()


VERSIONS: tuple[tuple[str, type[nn.Module]], ...] = (
    ("2025-02-20", MettaAgentE1),
    ("2025-02-27", MettaAgentE2b),
    ("2025-03-13", MettaAgentE2c),
    ("2025-04-02", MettaAgent0402),
    ("2025-04-22", MettaAgentE3b),
    ("2025-04-30", MettaAgent0430),
)
"""Date of the first commit -> agent."""
