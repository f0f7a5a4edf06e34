"""`ObsSlotAttn`: slots that take turns in attending to tokens and in updating themselves (2025-05-30 to 06-18)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from legacy.base import Blackboard, LayerBase


class ObsSlotAttn(LayerBase):
    """`[B * T, M, D]` -> `[B * T, num_slots, slot_dim]`; no config on record used it.

    Quirks kept: slots start from random numbers in every pass, in evaluation too (trap 41); attention is normalised
    over the tokens, not over the slots, so slots do not compete; a row whose tokens are all masked becomes NaN.
    """

    def __init__(
        self,
        num_slots: int,
        slot_dim: int,
        num_iterations: int,
        slot_init_mu: float = 0.0,
        slot_init_sigma: float = 1.0,
        mlp_hidden_size: int | None = None,
        use_mask: bool = False,
        **cfg: Any,
    ) -> None:
        super().__init__(**cfg)
        self._num_slots = num_slots
        self._slot_dim = slot_dim
        self._num_iterations = num_iterations
        self._slot_init_mu = slot_init_mu
        self._slot_init_sigma = slot_init_sigma
        self._mlp_hidden_size = mlp_hidden_size
        self._use_mask = use_mask

    def _make_net(self) -> None:
        self._M = self._in_tensor_shapes[0][0]
        self._feat_dim = self._in_tensor_shapes[0][1]
        self._out_tensor_shape = [self._num_slots, self._slot_dim]
        size, hidden = self._slot_dim, self._mlp_hidden_size or self._slot_dim
        self.slots_mu = nn.Parameter(torch.randn(1, self._num_slots, size))
        nn.init.normal_(self.slots_mu, mean=self._slot_init_mu, std=self._slot_init_sigma)
        self.slots_log_sigma = nn.Parameter(torch.zeros(1, self._num_slots, size))
        self.norm_input = nn.LayerNorm(self._feat_dim)
        self.norm_slots = nn.LayerNorm(size)
        self.norm_mlp_input = nn.LayerNorm(size)
        self.k_proj = nn.Linear(self._feat_dim, size, bias=False)
        self.v_proj = nn.Linear(self._feat_dim, size, bias=False)
        self.q_proj = nn.Linear(size, size, bias=False)
        self.gru = nn.GRUCell(size, size)
        self.mlp = nn.Sequential(nn.Linear(size, hidden), nn.ReLU(), nn.Linear(hidden, size))

    def _forward(self, td: Blackboard) -> Blackboard:
        x = self.norm_input(td[self._sources[0]["name"]])
        keys, values = self.k_proj(x), self.v_proj(x)
        noise = torch.randn(x.shape[0], self._num_slots, self._slot_dim, device=x.device, dtype=x.dtype)
        slots: Tensor = self.slots_mu + torch.exp(self.slots_log_sigma) * noise
        for _ in range(self._num_iterations):
            before = slots
            logits = torch.einsum("bnd,bmd->bnm", self.q_proj(self.norm_slots(slots)), keys) / (self._slot_dim**0.5)
            if self._use_mask:
                logits = logits.masked_fill(td["obs_mask"].unsqueeze(1), float("-inf"))
            updates = torch.einsum("bnm,bmd->bnd", torch.softmax(logits, dim=-1), values)
            slots = self.gru(updates.reshape(-1, self._slot_dim), before.reshape(-1, self._slot_dim))
            slots = slots.reshape(before.shape)
            slots = slots + self.mlp(self.norm_mlp_input(slots))
        td[str(self._name)] = slots
        return td
