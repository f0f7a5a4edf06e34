"""`ActionEmbedding`: one row per action name and parameter, handed out in the order in which names are first seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from einops import repeat

from legacy.base import Blackboard
from legacy.layers.embedding import Embedding


class ActionEmbedding(Embedding):
    """No input -> `[B * T, A, E]`, the rows of the active actions, repeated over the batch.

    Quirks kept: rows start at 1, and the index `name -> row` is a plain dict outside the state dict, so weights alone
    do not say which row is which action (trap 1); `active_indices` is inside it and changes size (trap 2);
    `initialization` is stored and ignored; more names than rows fail at `forward`, not at activation.
    """

    def __init__(self, initialization: str = "max_0_01", **cfg: Any) -> None:
        super().__init__(**cfg)
        self._reserved_action_embeds: dict[str, int] = {}
        self.num_actions = 0
        self.initialization = initialization
        self.register_buffer("active_indices", torch.tensor([], dtype=torch.long))

    def activate_actions(self, names: Sequence[str], device: Any) -> None:
        """Gives each unseen name the next row and makes `names`, in this order, the active actions."""
        for name in names:
            if name not in self._reserved_action_embeds:
                self._reserved_action_embeds[name] = len(self._reserved_action_embeds) + 1
        self.active_indices = torch.tensor(
            [self._reserved_action_embeds[name] for name in names], device=device, dtype=torch.long
        )
        self.num_actions = len(self.active_indices)

    def _forward(self, td: Blackboard) -> Blackboard:
        td["_num_actions_"] = self.num_actions
        td[str(self._name)] = repeat(self._net(self.active_indices), "a e -> b a e", b=td["_BxTT_"])
        return td


class ActionEmbeddingE8(ActionEmbedding):
    """From 2025-08-07: the batch is that of the `TensorDict`."""

    def _forward(self, td: Any) -> Any:
        td[str(self._name)] = repeat(self._net(self.active_indices), "a e -> b a e", b=td.batch_size.numel())
        return td


class ActionEmbedding0826(ActionEmbeddingE8):
    """From 2025-08-26: `activate_actions` has another name."""

    def initialize_to_environment(self, names: Sequence[str], device: Any) -> None:
        """Gives each unseen name the next row and makes `names`, in this order, the active actions."""
        self.activate_actions(names, device)
