"""`MettaAgent` of E4d, and what its versions from E4a to E7 share; `agent_versions.py` has what they changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, cast

import torch
from omegaconf import OmegaConf
from torch import Tensor, nn

from legacy.assert_shape import assert_shape
from legacy.distribution_utils import evaluate_actions, sample_actions
from legacy.instantiate import by_hydra, passed_by_hydra

if TYPE_CHECKING:  # imported only by who runs such an agent: it takes as long as torch
    from legacy.policy_state import PolicyState

HEADS = ("_value_", "_action_")
FROM_ENVIRONMENT = ("grid_features", "feature_normalizations", "obs_width", "obs_height")


class MettaAgent(nn.Module):
    """The agent: `components` in YAML order, built and run from `_value_`, then `_action_`, sources first.

    Quirks kept: the agent's attributes override YAML keys of the same name in every component (trap 19); parameter
    order is YAML order and initialisation order is that of the graph (traps 3, 4); a component that no head reaches is
    an error (trap 58); `l2_*_loss` fails as soon as one component is not a `ParamLayer` (trap 12).
    """

    told: ClassVar[tuple[str, ...]] = (
        *("clip_range", "action_space", "grid_features", "obs_key", "obs_shape", "num_objects"),
        *("hidden_size", "core_num_layers"),
    )
    """What every component is told, besides its own config."""
    action_dtype: ClassVar[torch.dtype] = torch.int64
    stores_attributes: ClassVar[bool] = True

    def __init__(self, obs_space: Any, action_space: Any, device: Any, **cfg: Any) -> None:
        super().__init__()
        config: Any = OmegaConf.create(cfg)
        self._read_core(config.components)
        self.clip_range = config.clip_range
        assert hasattr(config.observations, "obs_key"), "Configuration is missing required field 'observations.obs_key'"
        obs_key = config.observations.obs_key
        obs_shape = tuple(obs_space[obs_key].shape)
        facts = {
            "clip_range": self.clip_range,
            "action_space": action_space,
            "obs_key": obs_key,
            "obs_shape": obs_shape,
            "obs_input_shape": obs_shape[1:],
            "num_objects": obs_shape[2] if len(obs_shape) > 2 else None,
            **{name: getattr(self, name, None) for name in ("hidden_size", "core_num_layers")},
            **{name: self._received(name, cfg.get(name)) for name in FROM_ENVIRONMENT},
        }
        attributes = {name: facts[name] for name in self.told}
        if self.stores_attributes:
            self.agent_attributes: dict[str, Any] = attributes
        self.components = nn.ModuleDict()
        for name, component_cfg in config.components.items():
            component_cfg["name"] = str(name)
            self.components[str(name)] = self._instantiate(component_cfg, attributes)
        self._setup()
        self.components = self.components.to(device)
        self._total_params = sum(p.numel() for p in self.parameters())
        if self.stores_attributes:
            self.device = device

    def _read_core(self, components: Any) -> None:
        self.hidden_size = components._core_.output_size
        self.core_num_layers = components._core_.nn_params.num_layers

    def _received(self, name: str, value: Any) -> Any:
        """What the environment told, as it arrives at the agent."""
        return passed_by_hydra(name, value)

    def _instantiate(self, config: Any, attributes: Mapping[str, Any]) -> Any:
        return by_hydra(config, **attributes)

    def _setup(self) -> None:
        for head in HEADS:
            self._setup_components(self.components[head])
        for name, component in self.components.items():
            if not component.ready:
                raise RuntimeError(
                    f"Component {name} in MettaAgent was never setup. It might not be accessible by other components."
                )

    def _setup_components(self, component: Any) -> None:
        names = [source["name"] for source in component._sources or []]
        for name in names:
            self._setup_components(self.components[name])
        component.setup({name: self.components[name] for name in names} if component._sources is not None else None)

    def activate_actions(self, action_names: Sequence[str], action_max_params: list[int], device: Any) -> None:
        """Fixes which logit is which `(action, parameter)`; a parameter's maximum is inclusive (trap 42).

        Args:
            action_names: one name per action type.
            action_max_params: the largest parameter of each, a list.
            device: where the index tensors live.
        """
        assert isinstance(action_max_params, list), "action_max_params must be a list"
        self.device = device
        self.action_max_params = action_max_params
        self.action_names = action_names
        self.active_actions = list(zip(action_names, action_max_params, strict=False))
        names = [f"{name}_{i}" for name, largest in self.active_actions for i in range(largest + 1)]
        cast(Any, self.components["_action_embeds_"]).activate_actions(names, device)
        # One entry too many at the end, as it was.
        self.cum_action_max_params = torch.cumsum(
            torch.tensor([0, *action_max_params], device=device, dtype=torch.long), dim=0
        )
        self.action_index_tensor = torch.tensor(
            [[kind, i] for kind, largest in enumerate(action_max_params) for i in range(largest + 1)],
            device=device,
            dtype=self.action_dtype,
        )

    @property
    def lstm(self) -> Any:
        """The `nn.LSTM` of the core."""
        return cast(Any, self.components["_core_"])._net

    @property
    def total_params(self) -> int:
        """Number of parameters."""
        return self._total_params

    def forward(
        self, x: Tensor, state: PolicyState, action: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Samples actions (inference) or evaluates given ones (training).

        Args:
            x: observations `[B, ...]`, or `[B, T, ...]` when `action` is given.
            state: overwritten with the new recurrent state, in both modes.
            action: `[B, T, 2]` integers `(type, parameter)`, or None to sample.

        Returns:
            action (`[B, 2]`, or as given), log_prob `[BT]`, entropy `[BT]`, value `[BT, 1]`, log_probs `[BT, A]`.
        """
        if __debug__:
            self._assert_inputs(x, action)
        td: dict[str, Any] = {"x": x, "state": None}
        if state.lstm_h is not None and state.lstm_c is not None:
            td["state"] = torch.cat([state.lstm_h, state.lstm_c], dim=0).to(x.device)
        self._run(td, flat=action is not None)
        state.lstm_h = td["state"][: self.core_num_layers]
        state.lstm_c = td["state"][self.core_num_layers :]
        value, logits = td["_value_"], td["_action_"]
        if __debug__:
            assert_shape(value, ("BT", 1), "value")
            assert_shape(logits, ("BT", "A"), "logits")
        if action is None:
            index, log_prob, entropy, log_probs = self._sample(logits)
            return self._convert_logit_index_to_action(index), log_prob, entropy, value, log_probs
        index = self._convert_action_to_logit_index(action.reshape(-1, 2))
        log_prob, entropy, log_probs = self._evaluate(logits, index)
        return action, log_prob, entropy, value, log_probs

    def _run(self, td: dict[str, Any], *, flat: bool) -> None:
        for head in HEADS:
            self.components[head](td)

    def _sample(self, logits: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        return sample_actions(logits)

    def _evaluate(self, logits: Tensor, index: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return evaluate_actions(logits, index)

    def _assert_inputs(self, x: Tensor, action: Tensor | None) -> None:
        shape = self._obs_shape()
        if action is None:
            assert_shape(x, ("B", *shape), "x")
        else:
            assert_shape(x, ("B", "T", *shape), "x")
            assert_shape(action, ("B", "T", 2), "action")

    def _obs_shape(self) -> Sequence[int]:
        return cast(Sequence[int], self.agent_attributes["obs_shape"])

    def _convert_action_to_logit_index(self, action: Tensor) -> Tensor:
        """`[N, 2]` `(type, parameter)` -> `[N]`; no range check, so too large a parameter is the next action."""
        kind, parameter = action[:, 0].long(), action[:, 1].long()
        return kind + self.cum_action_max_params[kind] + parameter

    def _convert_logit_index_to_action(self, index: Tensor) -> Tensor:
        """`[N]` -> `[N, 2]`."""
        return self.action_index_tensor[index]

    def _apply_to_components(self, method: str, *args: Any, **kwargs: Any) -> list[Any]:
        assert self.components, "No components available to apply method"
        results = []
        for name, component in self.components.items():
            if not hasattr(component, method):
                raise AttributeError(f"Component '{name}' does not have method '{method}'")
            bound: Callable[..., Any] = getattr(component, method)
            if not callable(bound):
                raise TypeError(f"Component '{name}' has a '{method}' that is not callable")
            results.append(bound(*args, **kwargs))
        return results

    def l2_reg_loss(self) -> Tensor:
        """Sum over the components; fails where a component is not a `ParamLayer`, as E4b to E5b did."""
        return torch.stack(self._apply_to_components("l2_reg_loss")).sum()

    def l2_init_loss(self) -> Tensor:
        """Sum over the components; fails where a component is not a `ParamLayer`, as E4b to E5b did."""
        return torch.stack(self._apply_to_components("l2_init_loss")).sum()

    def update_l2_init_weight_copy(self) -> None:
        """Moves every anchor towards the present weights."""
        self._apply_to_components("update_l2_init_weight_copy")

    def clip_weights(self) -> None:
        """Clips every `ParamLayer`, if the agent clips at all."""
        if self.clip_range > 0:
            self._apply_to_components("clip_weights")

    def compute_weight_metrics(self, delta: float = 0.01) -> list[Mapping[str, Any]]:
        """The metrics of the layers that asked for them, in component order."""
        return [metrics for metrics in self._apply_to_components("compute_weight_metrics", delta) if metrics]
