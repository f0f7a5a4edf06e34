"""`MettaAgent` of E8: one `TensorDict` in and out, and a recurrent memory that the LSTM owns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, cast

import torch
from torch import Tensor, nn

from legacy.agent import HEADS
from legacy.agent_versions import MettaAgentE7b

if TYPE_CHECKING:  # imported only by who runs such an agent: it takes as long as torch
    from tensordict import TensorDict


def flattened(td: TensorDict) -> tuple[TensorDict, int, int]:
    """`td` with one batch dimension, and with `bptt` and `batch` in every row; B and T."""
    batch, time = td.batch_size.numel(), 1
    if td.batch_dims > 1:
        batch, time = td.batch_size[0], td.batch_size[1]
        td = td.reshape(td.batch_size.numel())
    rows = batch * time
    td.set("bptt", torch.full((rows,), time, device=td.device, dtype=torch.long))
    td.set("batch", torch.full((rows,), batch, device=td.device, dtype=torch.long))
    return td, batch, time


class MettaAgentE8(MettaAgentE7b):
    """2025-08-07: the caller carries no state; results are entries of the `TensorDict`.

    Quirks kept: inference writes a flat `values`, training a `value` `[BT, 1]` (trap 23); the LSTM is built anew at
    every visit of the graph, so its first weights are drawn and thrown away (trap 5).
    """

    told: ClassVar[tuple[str, ...]] = (
        *("clip_range", "action_space", "feature_normalizations", "obs_width", "obs_height"),
        *("obs_key", "obs_shape"),
    )

    def _read_core(self, components: Any) -> None:
        """Sizes are the LSTM's own now."""

    def _setup(self) -> None:
        super()._setup()
        layers = [cast(Any, component) for component in self.components.values()]
        self.components_with_memory = [layer._name for layer in layers if getattr(layer, "has_memory", bool)()]
        names = [layer._name for layer in layers]
        if repeated := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"Duplicate component names found: {repeated}")

    def forward(self, td: TensorDict, action: Tensor | None = None) -> TensorDict:  # type: ignore[override]
        """Samples actions (inference) or evaluates given ones (training).

        Args:
            td: `env_obs` `[B, M, 3]` or `[B, T, M, 3]`, perhaps `dones`, `truncateds`, `training_env_id_start`.
            action: `[B, T, 2]`, or None to sample.

        Returns:
            A `TensorDict` with `actions` int32, `act_log_prob`, `values`, `full_log_probs` (inference), or with
            `act_log_prob`, `entropy`, `value`, `full_log_probs` (training).
        """
        td, batch, time = flattened(td)
        for head in HEADS:
            self.components[head](td)
        value, logits = td["_value_"], td["_action_"]
        if action is None:
            index, log_prob, _, log_probs = self._sample(logits)
            td["actions"] = self._convert_logit_index_to_action(index)
            td["act_log_prob"], td["values"], td["full_log_probs"] = log_prob, value.flatten(), log_probs
            return td
        index = self._convert_action_to_logit_index(action.reshape(-1, 2))
        log_prob, entropy, log_probs = self._evaluate(logits, index)
        td["act_log_prob"], td["entropy"], td["value"], td["full_log_probs"] = log_prob, entropy, value, log_probs
        return td.reshape(batch, time)

    def _with_memory(self) -> list[Any]:
        return [self.components[name] for name in self.components_with_memory]

    def reset_memory(self) -> None:
        """Forgets every recurrent state."""
        for layer in self._with_memory():
            layer.reset_memory()

    def get_memory(self) -> dict[str, Any]:
        """Component name -> its memory."""
        return {layer._name: layer.get_memory() for layer in self._with_memory()}


VERSIONS: tuple[tuple[str, type[nn.Module]], ...] = (("2025-08-07b", MettaAgentE8),)
"""Date of the first commit -> agent."""
