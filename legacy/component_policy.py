"""`ComponentPolicy` of E9 to E11: the components of an agent and what they compute."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, cast

from omegaconf import OmegaConf
from torch import Tensor, nn

from legacy.distribution_utils import evaluate_actions, sample_actions
from legacy.instantiate import by_path
from legacy.memory_agent import flattened

if TYPE_CHECKING:  # imported only by who runs such an agent: it takes as long as torch
    from tensordict import TensorDict


class ComponentPolicy(nn.Module):
    """The components and what they compute (E9).

    Quirks kept: a component that is ready is not visited again, so the LSTM is built twice, not three times (trap 5).
    """

    suffix_in_errors: ClassVar[str] = ""
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
                raise RuntimeError(f"Component {name} in {facts['class_name']}{self.suffix_in_errors} was never setup.")
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

    suffix_in_errors = " policy"
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
