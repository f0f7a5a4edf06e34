"""`PolicyState`: the recurrent state that E3b to E7 carried between calls, owned by the caller."""

from __future__ import annotations

import torch
from tensordict import TensorClass


class PolicyState(TensorClass):  # type: ignore[misc]  # not every release of tensordict has types
    """Hidden and cell state, `[layers, B, hidden]` each, or None before the first step.

    `MettaAgent.forward` overwrites both in place, in training too (trap 24).
    """

    lstm_h: torch.Tensor | None = None
    lstm_c: torch.Tensor | None = None
    hidden: torch.Tensor | None = None
