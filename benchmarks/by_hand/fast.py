"""The agent `fast`, by hand."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from benchmarks.by_hand.parts import HIDDEN, Actions, Agent, SingleHead, Step

# B batch, T time, N = B * T, M tokens, L recurrent layers, H hidden, F features
SIDE, PADDING = 11, 255


class ByHand(Agent):
    """Tokens `[B, M, 3]` or `[B, T, M, 3]` (cell, feature, value) -> actions, values, new state."""

    divisors: Tensor

    def __init__(self, divisors: Sequence[float], actions: Actions) -> None:
        super().__init__(SingleHead(len(actions.pairs)), actions)
        self.features = len(divisors)
        self.register_buffer("divisors", torch.tensor(divisors).view(1, -1, 1, 1))
        self.cnn1, self.cnn2 = nn.Conv2d(self.features, 64, 5, stride=3), nn.Conv2d(64, 64, 3)
        self.fc1, self.fc2 = nn.Linear(64, HIDDEN), nn.Linear(HIDDEN, HIDDEN)

    def forward(self, obs: Tensor, h: Tensor, c: Tensor, action: Tensor | None = None) -> tuple[Tensor, ...]:
        """Observations, state `[L, B, H]`, perhaps actions `[B, T, 2]` -> results, and the new state."""
        x = self.box(obs) / self.divisors
        x = torch.relu(self.cnn1(x))
        x = torch.relu(self.cnn2(x)).flatten(1)
        x = torch.relu(self.fc1(x))
        x = torch.relu(self.fc2(x))
        x, h, c = self.recur(x, h, c)
        value = self.value(torch.tanh(self.critic(x)))
        logits = self.head(torch.relu(self.actor(x)))
        if action is None:
            action, log_prob, entropy, log_probs = self.actions.sample(logits)
        else:
            action, log_prob, entropy, log_probs = self.actions.evaluate(logits, action)
        return action, log_prob, entropy, value, log_probs, h, c

    def box(self, obs: Tensor) -> Tensor:
        """Tokens -> `[N, F, 11, 11]`; padding and unknown features write 0 at feature 0, cell 0 (trap 37)."""
        tokens = obs.flatten(0, 1) if obs.dim() == 4 else obs
        cell, feature = tokens[..., 0], tokens[..., 1].long()
        place = feature * (SIDE * SIDE) + ((cell >> 4) * SIDE + (cell & 15))
        valid = (cell != PADDING) & (feature < self.features)
        place, value = torch.where(valid, place, 0), torch.where(valid, tokens[..., 2].float(), 0.0)
        box = value.new_zeros(len(value), self.features * SIDE * SIDE)
        return box.scatter_(1, place, value).view(-1, self.features, SIDE, SIDE)

    def divide(self, box: Tensor) -> Tensor:
        """Each feature by its divisor."""
        return box / self.divisors

    def steps(self) -> list[Step]:
        return [
            (self.box, ("obs",), ("box",)),
            (self.divide, ("box",), ("divided",)),
            (nn.Sequential(self.cnn1, nn.ReLU()), ("divided",), ("cnn1",)),
            (nn.Sequential(self.cnn2, nn.ReLU()), ("cnn1",), ("cnn2",)),
            (nn.Flatten(), ("cnn2",), ("flat",)),
            (nn.Sequential(self.fc1, nn.ReLU()), ("flat",), ("fc1",)),
            (nn.Sequential(self.fc2, nn.ReLU()), ("fc1",), ("encoded",)),
        ]
