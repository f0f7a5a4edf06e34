"""`MettaAgent`: observations in, actions and values out."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any, Protocol, cast

import torch
from torch import Tensor, nn

from modules import weights
from modules.acting import act, act_by_two_heads
from modules.actions import ActionSpace, named_actions, refuse_other_rows
from modules.arguments import plain
from modules.builder import build_components
from modules.environment import Environment, environment_of
from modules.errors import ConfigError, InputError
from modules.executors import make_executor
from modules.features import FeatureMap, Features, call_all, check_names, ids_of
from modules.heads import TWO_HEADS, intrinsic
from modules.inputs import NEXT_STATE, SINGLE_STEPS, STATE, carried, graph_inputs
from modules.interop import batch_dims
from modules.regularization import REGULARIZATION_LOSS
from modules.wrappers import WeightMonitoringModule

# B batch, T time, N = B * T, A flat actions, L recurrent layers, H hidden


class RecurrentState(Protocol):
    """Anything that carries the recurrent state, such as `PolicyState` of either stack."""

    lstm_h: Any
    lstm_c: Any


class MettaAgent(nn.Module):
    """Runs the components that a config describes, and turns logits into actions.

    Args:
        config: `components`, `clip_range` and what else the config of a job says; plain or OmegaConf. `execution` is
            `sequential` or `parallel`; `actions` (`names`, `max_params`) are activated at once; `remapped` lists
            the components that are told a new environment's feature numbers (all; the old stack told `_obs_` alone).
        environment: sizes that the world decides; may stand in the config under `environment` instead.

    Attributes:
        provenance: JSON values that are saved and loaded with the policy, such as where it was migrated from.

    Raises:
        ConfigError, GraphError: components that cannot be built or wired.
    """

    def __init__(self, config: Mapping[str, Any], environment: Environment | None = None) -> None:
        super().__init__()
        self.config: dict[str, Any] = plain(config)
        self.environment = environment_of(self.config, environment)
        self.clip_range: float = self.config.get("clip_range", 0)
        self.components = build_components(self.config, self.environment)
        self.has_two_heads = all(head in self.components for head in TWO_HEADS)
        self.heads = ("_value_", *(TWO_HEADS if self.has_two_heads else ("_action_",)))
        for head in self.heads:
            if head not in self.components:
                raise ConfigError(f"an agent needs the component {head!r}; it has: {', '.join(self.components)}")
        check_names("remapped", self.config.get("remapped"), self.components)
        self.executor = make_executor(self.config.get("execution") or "sequential")
        self._log_probs: str = self.config.get("log_probs") or "log_softmax"
        self.action_space: ActionSpace | None = None
        self.features: FeatureMap | None = None
        self.provenance: dict[str, Any] = {}
        self.register_load_state_dict_post_hook(refuse_other_rows)  # type: ignore[no-untyped-call]
        if "actions" in self.config:
            self.activate_actions(*named_actions(self.config["actions"]))

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
        if self.has_two_heads:
            raise ConfigError(
                "this agent draws type and parameter by two heads of fixed sizes: there is nothing to activate"
            )
        with torch.inference_mode(mode=False):
            dtype = self.config.get("action_dtype") or "int64"
            space = ActionSpace(list(action_names), list(action_max_params), dtype=dtype)
        embeddings = [module for module in self.components.modules() if hasattr(type(module), "activate")]
        if len(embeddings) != 1:
            raise ConfigError(f"an agent needs one component with action embeddings, this one has {len(embeddings)}")
        cast(Any, embeddings[0]).activate(space.pair_names)
        self.action_space = space.to(device if device is not None else next(self.parameters()).device)

    def initialize_to_environment(
        self,
        features: Features,
        action_names: Sequence[str],
        action_max_params: Sequence[int],
        device: Any = None,
        is_training: bool | None = None,
    ) -> None:
        """Takes over an environment: its actions, and features that may have other numbers than in training.

        Args:
            features: name -> `{"id": ..., "normalization": ...}`.
            action_names: see `activate_actions`.
            action_max_params: see `activate_actions`.
            device: see `activate_actions`.
            is_training: whether unknown features are learned; otherwise they become padding. Where it is not said they
                are, with `learns: in_training` in the config only in training.
        """
        ids = ids_of(features)
        self.activate_actions(action_names, action_max_params, device)
        if self.features is None or not self.features.is_known:
            self.features = FeatureMap(ids)
            return
        if is_training is None:
            is_training = self.training or self.config.get("learns") != "in_training"
        keep = self.config.get("remap_when_equal") == "kept"
        table = self.features.meet(features, learn=is_training, keep=keep)
        if table is not None:
            call_all(self.components, "remap_features", table, self.config.get("remapped"))
            if self.config.get("divisors_when_remapped") == "environment":
                call_all(self.components, "set_divisors", self.features.divisors(features))

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
            InputError: shapes that do not fit, what is no tensor or no state, a state beside a mapping, or no actions
                activated.
        """
        if not isinstance(x, Tensor):
            if state is not None or action is not None:
                raise InputError("give state and action in the mapping too, as lstm_h, lstm_c and action")
            return self.step(x)
        data: dict[str, Any] = {"x": x, **carried(state)}
        if action is not None:
            data["action"] = action
        self.step(data)
        if state is not None and NEXT_STATE[0] in data:
            state.lstm_h, state.lstm_c = data[NEXT_STATE[0]], data[NEXT_STATE[1]]
        results = ("log_probs_0", "log_probs_1") if self.has_two_heads else ("log_probs",)
        return tuple(data[key] for key in ("action", "log_prob", "entropy", "value", *results))

    def step(
        self, data: MutableMapping[str, Any], kept: MutableMapping[str, Any] | None = None
    ) -> MutableMapping[str, Any]:
        """The computation of `forward` on a mapping.

        Args:
            data: see `forward`. In a `TensorDict` with batch size `[B]`, results are `[B, ...]` or `[B, T, ...]`, and
                the state is `[B, L, H]`, since all its entries share their first dimensions.
            kept: gets everything that the components wrote for these results, by key.

        Raises:
            InputError: shapes that do not fit, half a state, or no actions activated.
        """
        if self.action_space is None and not self.has_two_heads:
            raise InputError("no actions are activated: call activate_actions(names, max_params) first")
        keys = data.keys() if hasattr(data, "keys") else ()
        if "x" not in keys or not isinstance(data["x"], Tensor):
            renamed = "; its env_obs is called x here, and its memory lstm_h and lstm_c" if "env_obs" in keys else ""
            got = f"a {type(data).__name__} without a tensor 'x'" if hasattr(data, "keys") else type(data).__name__
            raise InputError(f"give observations as a tensor, or as 'x' in a mapping; got {got}{renamed}")
        single_steps = self.config.get("sequences") == SINGLE_STEPS
        inputs = graph_inputs(data, self.environment.obs_shape, self.core, single_steps=single_steps)
        next_state = NEXT_STATE if STATE[0] in inputs else ()
        core = ("_core_",) if "e3b" in data.keys() else ()  # noqa: SIM118 - a TensorDict has no `in`
        losses = (REGULARIZATION_LOSS,) if self.training and torch.is_grad_enabled() else ()
        wanted = (*self.heads, *next_state, *core, *losses)
        self.executor(self.components, inputs, outputs=wanted, intermediate=kept is not None)
        if kept is not None:
            kept.update(inputs)
        results = {"value": inputs["_value_"]}
        if self.has_two_heads:
            results.update(act_by_two_heads([inputs[head] for head in TWO_HEADS], data))
        else:
            batch = data["x"].shape[: -len(self.environment.obs_shape)]
            results.update(act(inputs["_action_"], data, batch, cast(ActionSpace, self.action_space), self._log_probs))
        if REGULARIZATION_LOSS in inputs:
            results[REGULARIZATION_LOSS] = inputs[REGULARIZATION_LOSS]
        if "e3b" in data.keys():  # noqa: SIM118 - a TensorDict has no `in`
            results.update(zip(("next_e3b", "intrinsic_reward"), intrinsic(inputs["_core_"], data["e3b"]), strict=True))
        self._write(data, results, {key: inputs[key] for key in next_state})
        return data

    def _write(
        self, data: MutableMapping[str, Any], results: Mapping[str, Tensor], state: Mapping[str, Tensor]
    ) -> None:
        """Puts results into the caller's mapping, under the batch dimensions of a `TensorDict` if it is one."""
        if batch_dims(data):
            batch = data["x"].shape[: -len(self.environment.obs_shape)]
            # A loss is one number for all rows, and an entry of a TensorDict has rows.
            results = {
                key: value.reshape(*batch, *value.shape[1:]) if value.dim() else value.expand(batch)
                for key, value in results.items()
            }
            state = {key: value.transpose(0, 1) for key, value in state.items()}
        for key, value in {**results, **state}.items():
            data[key] = value

    @property
    def core(self) -> Any:
        """The module with a recurrent state, also inside a wrapper; None if there is none."""
        return self.components._first_with("initial_state")

    def clip_weights(self) -> None:
        """Clamps every limited weight, if the agent clips at all, and lets wrappers watch theirs. After the step."""
        if self.clip_range > 0:
            weights.clip_weights(self.components)
        for module in self.components.modules():
            if isinstance(module, WeightMonitoringModule):
                module.after_step()

    def compute_weight_metrics(self, delta: float = 0.01) -> list[dict[str, Any]]:
        """Statistics of the 2-D weights that ask for them; draws from the global generator."""
        return weights.weight_metrics(self.components, delta)

    def l2_reg_loss(self) -> Tensor:
        """Scalar: the squared weights, each times its `l2_norm_scale`. Without gradient, as in the old stack."""
        return weights.l2_reg_loss(self.components, self.config.get("l2_sum"))

    def l2_init_loss(self) -> Tensor:
        """Scalar: squared distances to the initial weights, each times its `l2_init_scale`. Without gradient."""
        return weights.l2_init_loss(self.components, self.config.get("l2_sum"))

    def update_l2_init_weight_copy(self, alpha: float = 0.9) -> None:
        """Moves the anchors of `l2_init_loss` towards the present weights: `alpha * anchor + (1 - alpha) * w`.

        With `l2_init_anchors: kept` in the config they stay where they are, as since E9 in the old stack.
        """
        if self.config.get("l2_init_anchors") != "kept":
            weights.move_anchors(self.components, alpha)
