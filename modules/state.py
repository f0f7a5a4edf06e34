"""`PolicyState`: the recurrent state that a caller carries from call to call."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass
class PolicyState:
    """Hidden and cell state, `[layers, B, hidden]` each, or None before the first step.

    `MettaAgent` overwrites both; anything with these two attributes will do in its place.
    """

    lstm_h: Tensor | None = None
    lstm_c: Tensor | None = None
    hidden: Tensor | None = None
