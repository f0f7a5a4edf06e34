"""`MettaAgent`: observations in, actions and values out."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any, Protocol, cast

import torch
from torch import Tensor, nn

from modules.actions import ActionSpace, evaluate_actions, sample_actions
from modules.base import WeightModule
from modules.builder import build_components, plain
from modules.environment import Environment
from modules.errors import ConfigError, InputError
from modules.weight_metrics import analyze_weights

# B batch, T time, N = B * T, A flat actions, L recurrent layers, H hidden
HEADS = ("_value_", "_action_")
STATE = ("lstm_h", "lstm_c")
NEXT_STATE = ("next_lstm_h", "next_lstm_c")


class RecurrentState(Protocol):
    """Anything that carries the recurrent state, such as `PolicyState` of either stack."""

    lstm_h: Any
    lstm_c: Any


class MettaAgent(nn.Module):
    """Runs the components that a config describes, and turns logits into actions.

    Args:
        config: `components`, `clip_range` and what else the config of a job says; plain or OmegaConf.
        environment: sizes that the world decides; may stand in the config under `environment` instead.

    Attributes:
        provenance: JSON values that are saved and loaded with the policy, such as where it was migrated from.

    Raises:
        ConfigError, GraphError: components that cannot be built or wired.
    """

    def __init__(self, config: Mapping[str, Any], environment: Environment | None = None) -> None:
        super().__init__()
        self.config: dict[str, Any] = plain(config)
        if environment is None:
            if "environment" not in self.config:
                raise ConfigError("give an Environment, or a config with the key 'environment'")
            environment = Environment.from_dict(self.config["environment"])
        self.environment = environment
        self.clip_range: float = self.config.get("clip_range", 0)
        self.components = build_components(self.config, environment)
        for head in HEADS:
            if head not in self.components:
                raise ConfigError(f"an agent needs the component {head!r}")
        self.action_space: ActionSpace | None = None
        self.provenance: dict[str, Any] = {}

    def activate_actions(
        self, action_names: Sequence[str], action_max_params: Sequence[int], device: Any = None
    ) -> None:
        """Fixes which logit is which `(action, parameter)`. New names get new embedding rows, known ones keep theirs.

        Args:
            action_names: one per action type.
            action_max_params: the largest parameter of each, inclusive.
            device: moves nothing but the index tables; the agent's own device if None.

        Raises:
            InputError, ConfigError: numbers that do not match, more actions than embedding rows.
        """
        space = ActionSpace(list(action_names), list(action_max_params))
        cast(Any, self.components["_action_embeds_"]).activate(space.pair_names)
        self.action_space = space.to(device if device is not None else next(self.parameters()).device)

    def forward(self, x: Any, state: RecurrentState | None = None, action: Tensor | None = None) -> Any:
        """Samples actions (inference) or evaluates given ones (training); two calls, one computation.

        Args:
            x: observations `[B, H, W, F]`, or `[B, T, H, W, F]`; or a mapping with `x` and perhaps `lstm_h`, `lstm_c`
                (`[L, B, H]`) and `action`, which gets the results.
            state: overwritten with the new recurrent state; its fields may be None.
            action: `[B, T, 2]` or `[B, 2]` integers `(type, parameter)`, or None to sample.

        Returns:
            For tensors: action (`[N, 2]` if sampled, else as given), log_prob `[N]`, entropy `[N]`, value `[N, 1]`,
            log_probs `[N, A]`. For a mapping: the same mapping, with these keys and `next_lstm_h`, `next_lstm_c`.

        Raises:
            InputError: shapes that do not fit, or no actions activated.
        """
        if not isinstance(x, Tensor):
            return self.step(x)
        data: dict[str, Any] = {"x": x}
        if state is not None and state.lstm_h is not None and state.lstm_c is not None:
            data.update(lstm_h=state.lstm_h, lstm_c=state.lstm_c)
        if action is not None:
            data["action"] = action
        self.step(data)
        if state is not None and NEXT_STATE[0] in data:
            state.lstm_h, state.lstm_c = data[NEXT_STATE[0]], data[NEXT_STATE[1]]
        return tuple(data[key] for key in ("action", "log_prob", "entropy", "value", "log_probs"))

    def step(self, data: MutableMapping[str, Any], keep: Sequence[str] = ()) -> MutableMapping[str, Any]:
        """The computation of `forward` on a mapping.

        Args:
            data: see `forward`.
            keep: further keys of the graph to keep, such as component names.
        """
        if self.action_space is None:
            raise InputError("no actions are activated: call activate_actions first")
        inputs = self._inputs(data)
        next_state = NEXT_STATE if STATE[0] in inputs else ()
        self.components.execute(inputs, outputs=(*HEADS, *next_state, *keep))
        logits = inputs["_action_"]
        if "action" in data.keys():  # noqa: SIM118 - a TensorDict has no `in`
            index = self.action_space.to_index(data["action"].reshape(-1, 2))
            log_prob, entropy, log_probs = evaluate_actions(logits, index)
        else:
            index, log_prob, entropy, log_probs = sample_actions(logits)
            data["action"] = self.action_space.to_action(index)
        results = {"log_prob": log_prob, "entropy": entropy, "value": inputs["_value_"], "log_probs": log_probs}
        for key in (*next_state, *keep):
            results[key] = inputs[key]
        for key, value in results.items():
            data[key] = value
        return data

    def _inputs(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """The graph's inputs: observations `[N, H, W, F]`, and the state, zeros where none is given."""
        x, shape = data["x"], self.environment.obs_shape
        if x.shape[-len(shape) :] != shape or x.dim() - len(shape) not in (1, 2):
            raise InputError(f"observations must be [B, {shape}] or [B, T, {shape}], got {tuple(x.shape)}")
        inputs = {"x": x.flatten(0, 1) if x.dim() == len(shape) + 2 else x}
        if (core := self._core()) is None:
            return inputs
        h, c = (data[key] if key in data.keys() else None for key in STATE)  # noqa: SIM118
        if h is None or c is None:
            h, c = core.initial_state(x.shape[0], x)
        elif h.shape != c.shape or h.shape[1] != x.shape[0]:
            raise InputError(f"the state is {tuple(h.shape)}, {tuple(c.shape)} for a batch of {x.shape[0]}")
        inputs.update(lstm_h=h.to(x.device), lstm_c=c.to(x.device))
        return inputs

    def _core(self) -> Any:
        return next((module for module in self.components.values() if hasattr(module, "initial_state")), None)

    def _weights(self) -> dict[str, WeightModule]:
        return {name: module for name, module in self.components.items() if isinstance(module, WeightModule)}

    def clip_weights(self) -> None:
        """Clamps every limited weight, if the agent clips at all. Call it after the optimizer step."""
        if self.clip_range > 0:
            for module in self._weights().values():
                module.clip_weights()

    def compute_weight_metrics(self, delta: float = 0.01) -> list[dict[str, Any]]:
        """Statistics of the 2-D weights that ask for them; draws from the global generator."""
        return [
            {**analyze_weights(module.weight.detach(), delta), "name": name}
            for name, module in self._weights().items()
            if module.analyze_weights and module.weight.dim() == 2
        ]

    def l2_reg_loss(self) -> Tensor:
        """Scalar: the squared weights, each times its `l2_norm_scale`. Without gradient, as in the old stack."""
        return self._sum(
            (module.weight.detach() ** 2).sum() * module.l2_norm_scale
            for module in self._weights().values()
            if module.l2_norm_scale
        )

    def l2_init_loss(self) -> Tensor:
        """Scalar: squared distances to the initial weights, each times its `l2_init_scale`. Without gradient."""
        return self._sum(
            ((module.weight.detach() - module.initial_weights.to(module.weight.device)) ** 2).sum() * module.l2_init_scale
            for module in self._weights().values()
            if module.l2_init_scale and module.initial_weights is not None
        )

    def _sum(self, losses: Any) -> Tensor:
        terms = list(losses)
        return torch.stack(terms).sum() if terms else torch.zeros((), device=next(self.parameters()).device)

    def update_l2_init_weight_copy(self, alpha: float = 0.9) -> None:
        """Moves the anchors of `l2_init_loss` towards the present weights: `alpha * anchor + (1 - alpha) * w`."""
        for module in self._weights().values():
            if module.initial_weights is not None:
                present = module.weight.detach().to(module.initial_weights.device)
                module.initial_weights = module.initial_weights * alpha + present * (1 - alpha)
