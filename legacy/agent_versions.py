"""`MettaAgent` from E4a to E7, each version by what it changed, and which one was in force when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, cast

import torch
from torch import Tensor, nn

from legacy.agent import MettaAgent
from legacy.distribution_utils import sample_logits
from legacy.instantiate import by_path
from legacy.remapping import RemapsFeatures

if TYPE_CHECKING:  # imported only by who runs such an agent: it takes as long as torch
    from legacy.policy_state import PolicyState

BEFORE_0519 = (
    *("obs_shape", "clip_range", "action_space", "grid_features", "obs_key", "obs_input_shape"),
    *("num_objects", "hidden_size", "core_num_layers"),
)


class MettaAgentE4c(MettaAgent):
    """2025-05-13: what components were told was not kept."""

    told: ClassVar[tuple[str, ...]] = BEFORE_0519
    stores_attributes = False

    def _obs_shape(self) -> Sequence[int]:
        shapes = [getattr(component, "_obs_shape", None) for component in self.components.values()]
        return cast(Sequence[int], next(shape for shape in shapes if shape is not None))


class MettaAgentE4b(MettaAgentE4c):
    """2025-05-10: probabilities by `logits - logsumexp`, whose last bits differ from `log_softmax`."""

    def _sample(self, logits: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        return sample_logits(logits)

    def _evaluate(self, logits: Tensor, index: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return sample_logits(logits, index)[1:]


class MettaAgentE4a(MettaAgentE4b):
    """2025-05-01: without checks of shapes, and with another name for the maxima of parameters."""

    def activate_actions(self, action_names: Sequence[str], action_max_params: list[int], device: Any) -> None:
        super().activate_actions(action_names, action_max_params, device)
        self.actions_max_params = action_max_params
        del self.action_max_params, self.action_names

    def forward(
        self, x: Tensor, state: PolicyState, action: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """As later, but a hidden state alone is enough to fail, and any action that reshapes to `[N, 2]` will do."""
        return super().forward(x, state, action)

    def _assert_inputs(self, x: Tensor, action: Tensor | None) -> None:
        """Nothing was checked."""

    def l2_reg_loss(self) -> Tensor:
        """Sum over the components; those without a weight count as 0."""
        return torch.tensor(sum(component.l2_reg_loss() or 0 for component in self._layers()))

    def l2_init_loss(self) -> Tensor:
        """Sum over the components; those without a weight count as 0."""
        return torch.tensor(sum(component.l2_init_loss() or 0 for component in self._layers()))

    def _layers(self) -> list[Any]:
        return list(self.components.values())


class MettaAgent0519(MettaAgent):
    """2025-05-19 to 2025-05-22: observations lost their time axis, so sequences ran as single steps (trap 22)."""

    def _run(self, td: dict[str, Any], *, flat: bool) -> None:
        if flat:
            td["x"] = td["x"].flatten(0, 1)
        super()._run(td, flat=flat)


class MettaAgentE5a(MettaAgent):
    """2025-05-30: no `num_objects`."""

    told: ClassVar[tuple[str, ...]] = (
        "clip_range",
        "action_space",
        "grid_features",
        "obs_key",
        "obs_shape",
        "hidden_size",
        "core_num_layers",
    )


class MettaAgent0602(MettaAgentE5a):
    """2025-06-02: actions are int32 (trap 43)."""

    action_dtype = torch.int32


class MettaAgentE5b(MettaAgent0602):
    """2025-06-03: divisors come from the environment, beside the names."""

    told: ClassVar[tuple[str, ...]] = (*MettaAgentE5a.told, "feature_normalizations")


class MettaAgent0604(MettaAgentE5b):
    """2025-06-04: divisors only."""

    told: ClassVar[tuple[str, ...]] = tuple(name for name in MettaAgentE5b.told if name != "grid_features")


class MettaAgentE5c(MettaAgent0604):
    """2025-06-05: the L2 losses skip components that have none."""

    def l2_reg_loss(self) -> Tensor:
        """Scalar: sum over the components that have one."""
        return self._sum_of("l2_reg_loss")

    def l2_init_loss(self) -> Tensor:
        """Scalar: sum over the components that have one."""
        return self._sum_of("l2_init_loss")

    def _sum_of(self, loss: str) -> Tensor:
        losses = [value for value in self._apply_to_components(loss) if value is not None]
        return torch.stack(losses).sum() if losses else torch.tensor(0.0, device=self.device)


class MettaAgentE5d(MettaAgentE5c):
    """2025-06-09: components are told the window that tokens lie in."""

    told: ClassVar[tuple[str, ...]] = (*MettaAgent0604.told, "obs_width", "obs_height")


class MettaAgent0626(MettaAgentE5d):
    """2025-06-26: no `l2_reg_loss`."""

    l2_reg_loss = None  # type: ignore[assignment]


class MettaAgent0701(RemapsFeatures, MettaAgent0626):
    """2025-07-01: remaps features."""

    def activate_actions(self, action_names: Sequence[str], action_max_params: list[int], device: Any) -> None:
        MettaAgent.activate_actions(self, action_names, action_max_params, device)


class MettaAgentE7b(MettaAgent0701):
    """2025-07-09: made without Hydra, which had turned what agent and components were told into containers."""

    def _received(self, name: str, value: Any) -> Any:
        return value

    def _instantiate(self, config: Any, attributes: Mapping[str, Any]) -> Any:
        return by_path(config, **attributes)


VERSIONS: tuple[tuple[str, type[nn.Module]], ...] = (
    ("2025-05-01", MettaAgentE4a),
    ("2025-05-10", MettaAgentE4b),
    ("2025-05-13", MettaAgentE4c),
    ("2025-05-19", MettaAgent0519),
    ("2025-05-22", MettaAgent),
    ("2025-05-30", MettaAgentE5a),
    ("2025-06-02", MettaAgent0602),
    ("2025-06-03", MettaAgentE5b),
    ("2025-06-04", MettaAgent0604),
    ("2025-06-05", MettaAgentE5c),
    ("2025-06-09", MettaAgentE5d),
    ("2025-06-26", MettaAgent0626),
    ("2025-07-01", MettaAgent0701),
    ("2025-07-09", MettaAgentE7b),
)
"""Date of the first commit -> agent."""
