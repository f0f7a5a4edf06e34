"""`MettaAgent` of E9 to E11: a thin wrapper around a `ComponentPolicy`, which holds the components."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, cast

import torch
from omegaconf import OmegaConf
from tensordict import TensorDict
from torch import Tensor, nn

from legacy.agent_config import AgentConfig
from legacy.distribution_utils import evaluate_actions, sample_actions
from legacy.instantiate import by_path
from legacy.memory_agent import flattened
from legacy.remapping import NUM_IDS, UNKNOWN

FACTS = ("feature_normalizations", "obs_width", "obs_height", "obs_shape", "grid_features")
"""What the environment says, which stands beside a config."""
POLICY, POLICIES = "metta.agent.component_policy.ComponentPolicy", "metta.agent.component_policies."


class ComponentPolicy(nn.Module):
    """The components and what they compute (E9).

    Quirks kept: a component that is ready is not visited again, so the LSTM is built twice, not three times (trap 5).
    """

    heads: ClassVar[tuple[str, ...]] = ("_value_", "_action_")
    told: ClassVar[tuple[str, ...]] = (
        *("clip_range", "action_space", "feature_normalizations", "obs_width", "obs_height"),
        *("obs_key", "obs_shape"),
    )

    def __init__(self, facts: Mapping[str, Any], components: Any, kept: Mapping[str, Any]) -> None:
        super().__init__()
        for name, value in kept.items():
            setattr(self, name, value)
        self.clip_range = facts["clip_range"]
        self.agent_attributes = {name: facts[name] for name in self.told}
        self.components = nn.ModuleDict()
        for name, config in components.items():
            config["name"] = str(name)
            self.components[str(name)] = by_path(self._options(config), **self.agent_attributes)
        for head in self.output_heads():
            self._setup_components(self.components[head])
        for name, component in self.components.items():
            if not component.ready:
                raise RuntimeError(f"Component {name} in {type(self).__name__} was never setup.")
        self._note_memory()

    def _options(self, config: Any) -> Any:
        return config

    def output_heads(self) -> Sequence[str]:
        """Components from which the graph is set up, in order."""
        return self.heads

    def _note_memory(self) -> None:
        layers = [cast(Any, component) for component in self.components.values()]
        self.components_with_memory = [layer._name for layer in layers if getattr(layer, "has_memory", bool)()]

    def _setup_components(self, component: Any) -> None:
        if component.ready:
            return
        names = [source["name"] for source in component._sources or []]
        for name in names:
            self._setup_components(self.components[name])
        component.setup({name: self.components[name] for name in names} if component._sources is not None else None)

    def forward(self, td: TensorDict, state: Any = None, action: Tensor | None = None) -> TensorDict:
        """See `MettaAgentE9.forward`.

        Raises:
            ValueError: no actions in `action`.
        """
        td, batch, time = flattened(td)
        for head in ("_value_", "_action_"):
            self.components[head](td)
        value, logits = td["_value_"], td["_action_"]
        if action is None:
            index, log_prob, _, log_probs = sample_actions(logits)
            td["actions"] = cast(Tensor, self.action_index_tensor)[index]
            td["act_log_prob"], td["values"], td["full_log_probs"] = log_prob, value.flatten(), log_probs
            return td
        index = self._convert_action_to_logit_index(action.reshape(-1, 2))
        log_prob, entropy, log_probs = evaluate_actions(logits, index)
        td["act_log_prob"], td["entropy"], td["value"], td["full_log_probs"] = log_prob, entropy, value, log_probs
        return td.reshape(batch, time)

    def _convert_action_to_logit_index(self, action: Tensor) -> Tensor:
        if not action.numel():
            raise ValueError("cannot convert an empty batch of actions")
        kind, parameter = action[:, 0].long(), action[:, 1].long()
        return kind + cast(Tensor, self.cum_action_max_params)[kind] + parameter

    def results_of(self, method: str, *args: Any) -> list[Any]:
        """What a method gives, of those components that have it and give something."""
        bound = [getattr(component, method, None) for component in self.components.values()]
        return [result for call in bound if callable(call) and (result := call(*args)) is not None]


class ComponentPolicyE10(ComponentPolicy):
    """2025-08-19: subclasses in Python (`Fast`, `LatentAttnTiny`, ...) instead of YAML."""

    told: ClassVar[tuple[str, ...]] = tuple(name for name in ComponentPolicy.told if name != "action_space")

    def _options(self, config: Any) -> Any:
        plain: Any = OmegaConf.to_container(config)
        return {**config, "sources": plain["sources"]}


class ComponentPolicyE11(ComponentPolicyE10):
    """2025-09-03: set up from `_action_`, then `_value_`, then heads that `forward` never runs (trap 4)."""

    heads = ("_action_", "_value_")
    extra_heads: ClassVar[tuple[str, ...]] = ("returns_pred", "reward_pred")

    def output_heads(self) -> Sequence[str]:
        """Components from which the graph is set up, in order."""
        return (*self.heads, *(name for name in self.extra_heads if name in self.components))

    def _note_memory(self) -> None:
        """Nobody asked for it any more."""


class MettaAgentE9(nn.Module):
    """What the environment decides, around a policy; every key of its state dict begins with `policy.` (trap 45)."""

    policy_class: ClassVar[type[ComponentPolicy]] = ComponentPolicy
    policy: ComponentPolicy

    def __init__(self, obs_space: Any, action_space: Any, device: Any, **cfg: Any) -> None:
        super().__init__()
        config: Any = OmegaConf.create(
            {key: cfg[key] for key in ("components", "clip_range", "observations") if key in cfg}
        )
        self.cfg: Any = self._settings(cfg)
        self.device, self.obs_space, self.action_space = device, obs_space, action_space
        self.obs_width, self.obs_height = cfg["obs_width"], cfg["obs_height"]
        self.feature_normalizations = cfg["feature_normalizations"]
        facts = {
            **{
                name: getattr(self, name)
                for name in ("action_space", "feature_normalizations", "obs_width", "obs_height")
            },
            "clip_range": config.clip_range,
            "obs_key": config.observations.obs_key,
            "obs_shape": tuple(obs_space[config.observations.obs_key].shape),
        }
        self.policy = self.policy_class(facts, config.components, self._kept(cfg))
        self.policy.to(device)
        self._total_params = sum(parameter.numel() for parameter in self.parameters())

    def _kept(self, cfg: Mapping[str, Any]) -> dict[str, Any]:
        return {}

    def _settings(self, cfg: Mapping[str, Any]) -> Any:
        return {key: value for key, value in cfg.items() if key not in FACTS}

    @property
    def policy_path(self) -> str:
        """Class path of the policy in the old code."""
        return POLICY

    @property
    def components(self) -> nn.ModuleDict:
        """The components of the policy."""
        return self.policy.components

    @property
    def clip_range(self) -> float:
        """The policy's."""
        return cast(float, self.policy.clip_range)

    def forward(self, td: TensorDict, state: Any = None, action: Tensor | None = None) -> TensorDict:
        """Samples actions (inference) or evaluates given ones (training); see `MettaAgentE8.forward`."""
        return cast(TensorDict, self.policy(td, state, action))

    def activate_actions(self, action_names: Sequence[str], action_max_params: list[int], device: Any) -> None:
        """Fixes which logit is which `(action, parameter)`, for the agent and its policy."""
        assert isinstance(action_max_params, list), "action_max_params must be a list"
        self.device, self.action_names, self.action_max_params = device, action_names, action_max_params
        pairs = [(kind, i) for kind, largest in enumerate(action_max_params) for i in range(largest + 1)]
        if "_action_embeds_" in self.components:
            embeds: Any = self.components["_action_embeds_"]
            activate = getattr(embeds, "activate_actions", None) or embeds.initialize_to_environment
            activate([f"{action_names[kind]}_{i}" for kind, i in pairs], device)
        self.cum_action_max_params = torch.cumsum(
            torch.tensor([0, *action_max_params], device=device, dtype=torch.long), dim=0
        )
        self.action_index_tensor = torch.tensor(pairs, device=device, dtype=torch.int32)
        self.policy.cum_action_max_params = self.cum_action_max_params
        self.policy.action_index_tensor = self.action_index_tensor

    def initialize_to_environment(
        self,
        features: Mapping[str, Mapping[str, Any]],
        action_names: Sequence[str],
        action_max_params: list[int],
        device: Any,
        is_training: bool | None = None,
    ) -> None:
        """Takes over an environment: actions, then features; divisors were never corrected any more (trap 31).

        Unknown features are learned in training; until 2025-08-27 a caller who did not say was taken to train.
        """
        self.activate_actions(action_names, action_max_params, device)
        training = self._is_training(is_training)
        self.feature_id_to_name = {props["id"]: name for name, props in features.items()}
        self.feature_normalizations = {
            props["id"]: props["normalization"] for props in features.values() if "normalization" in props
        }
        if not hasattr(self, "original_feature_mapping"):
            self.original_feature_mapping = {name: props["id"] for name, props in features.items()}
            return
        remap: dict[int, int] = {}
        for name, props in features.items():
            known = self.original_feature_mapping.get(name)
            if known is None and training:
                self.original_feature_mapping[name] = props["id"]
            elif known != props["id"]:
                remap[props["id"]] = UNKNOWN if known is None else known
        obs = dict(self.components.items()).get("_obs_")
        if remap and hasattr(obs, "update_feature_remapping"):
            current = {props["id"] for props in features.values()}
            table = [remap.get(i, i if i in current else UNKNOWN) for i in range(NUM_IDS)]
            cast(Any, obs).update_feature_remapping(torch.tensor(table, dtype=torch.uint8))

    def _is_training(self, told: bool | None) -> bool:
        return told is not False

    def reset_memory(self) -> None:
        """Forgets every recurrent state."""
        self.policy.results_of("reset_memory")

    def clip_weights(self) -> None:
        """Clips every `ParamLayer`, if the policy clips at all."""
        if self.clip_range > 0:
            self.policy.results_of("clip_weights")

    def l2_init_loss(self) -> Tensor:
        """Scalar: sum over the components that have one."""
        losses = self.policy.results_of("l2_init_loss")
        return torch.stack(losses).sum() if losses else torch.tensor(0.0)

    def update_l2_init_weight_copy(self) -> None:
        """Does nothing since 2025-08-06."""

    def compute_weight_metrics(self, delta: float = 0.01) -> list[Mapping[str, Any]]:
        """The metrics of the layers that asked for them, in component order."""
        return self.policy.results_of("compute_weight_metrics", delta)


class MettaAgentE10(MettaAgentE9):
    """2025-08-19: the policy keeps the two settings that were left."""

    policy_class = ComponentPolicyE10

    def _settings(self, cfg: Mapping[str, Any]) -> AgentConfig:
        name = str(cfg.get("policy", "")).rpartition(".")[0].rpartition(".")[2] or "fast"
        return AgentConfig(name, cfg["clip_range"], cfg.get("analyze_weights_interval", 300))

    @property
    def policy_path(self) -> str:
        """Class path of the policy in the old code, by the name of the architecture, such as `latent_attn_tiny`."""
        name = self.cfg.name
        return f"{POLICIES}{name}.{name.title().replace('_', '')}"

    def _kept(self, cfg: Mapping[str, Any]) -> dict[str, Any]:
        interval = cfg.get("analyze_weights_interval", 300)
        config = {"clip_range": cfg["clip_range"], "analyze_weights_interval": interval}
        return {"config": config, "analyze_weights_interval": interval}


class MettaAgent0820(MettaAgentE10):
    """2025-08-20: an environment that is taken over sets the mode of this object, not of its components (trap 60)."""

    def _is_training(self, told: bool | None) -> bool:
        self.training = super()._is_training(told)
        return self.training


class MettaAgent0827(MettaAgent0820):
    """2025-08-27: a caller who does not say whether it trains leaves the mode as it is."""

    def _is_training(self, told: bool | None) -> bool:
        return super()._is_training(self.training if told is None else told)


class MettaAgent0902(MettaAgentE10):
    """2025-09-02: modes are left alone again."""

    def _is_training(self, told: bool | None) -> bool:
        return self.training if told is None else told


class MettaAgentE11(MettaAgent0902):
    """2025-09-03: queries and keys instead of one actor."""

    policy_class = ComponentPolicyE11

    def activate_actions(self, action_names: Sequence[str], action_max_params: list[int], device: Any) -> None:
        """See `MettaAgentE9.activate_actions`; the policy remembers the device, too."""
        super().activate_actions(action_names, action_max_params, device)
        self.policy.device = device


VERSIONS: tuple[tuple[str, type[nn.Module]], ...] = (
    ("2025-08-13", MettaAgentE9),
    ("2025-08-19", MettaAgentE10),
    ("2025-08-20", MettaAgent0820),
    ("2025-08-27", MettaAgent0827),
    ("2025-09-02", MettaAgent0902),
    ("2025-09-03", MettaAgentE11),
)
"""Date of the first commit -> agent."""
