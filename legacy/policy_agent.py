"""`MettaAgent` of E9 to E11: a thin wrapper around a `ComponentPolicy`, which holds the components."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, cast

import torch
from omegaconf import OmegaConf
from torch import Tensor, nn

from legacy.agent_config import AgentConfig
from legacy.component_policy import ComponentPolicy, ComponentPolicyE10, ComponentPolicyE11
from legacy.remapping import Features, OriginalFeatures, remap_features

if TYPE_CHECKING:  # imported only by who runs such an agent: it takes as long as torch
    from tensordict import TensorDict

FACTS = ("feature_normalizations", "obs_width", "obs_height", "obs_shape", "grid_features")
"""What the environment says, which stands beside a config."""
POLICY, POLICIES = "metta.agent.component_policy.ComponentPolicy", "metta.agent.component_policies."


class MettaAgentE9(OriginalFeatures, nn.Module):
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
            "class_name": self.policy_path.rpartition(".")[2],
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
        return cast("TensorDict", self.policy(td, state, action))

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
        features: Features,
        action_names: Sequence[str],
        action_max_params: list[int],
        device: Any,
        is_training: bool | None = None,
    ) -> None:
        """Takes over an environment: actions, then features; divisors were never corrected any more (trap 31).

        Unknown features are learned in training; until 2025-08-27 a caller who did not say was taken to train.
        """
        self.activate_actions(action_names, action_max_params, device)
        if remap := self._meet(features, learns=self._is_training(is_training)):
            remap_features(self.components, features, remap)

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

    def reset_memory(self) -> None:
        """Does nothing: the policy had lost its part, and the four hooks below forget instead."""

    def on_new_training_run(self) -> None:
        """The LSTM forgets; no other layer does anything at this and the next three."""
        self.policy.results_of("reset_memory")

    on_rollout_start = on_train_mb_start = on_eval_start = on_new_training_run

    def l2_init_loss(self) -> Tensor:
        """Scalar: added up component by component, which rounds otherwise than a sum over a stack."""
        total = torch.tensor(0.0)
        for loss in self.policy.results_of("l2_init_loss"):
            total = total + loss
        return total


VERSIONS: tuple[tuple[str, type[nn.Module]], ...] = (
    ("2025-08-13", MettaAgentE9),
    ("2025-08-19", MettaAgentE10),
    ("2025-08-20", MettaAgent0820),
    ("2025-08-27", MettaAgent0827),
    ("2025-09-02", MettaAgent0902),
    ("2025-09-03", MettaAgentE11),
)
"""Date of the first commit -> agent."""
