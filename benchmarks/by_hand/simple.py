"""The agent `simple`, by hand."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from benchmarks.by_hand.parts import HIDDEN, Actions, Agent, SingleHead, Step

# B batch, T time, N = B * T, L recurrent layers, H hidden, F features


class ByHand(Agent):
    """Box observations `[B, 11, 11, F]` or `[B, T, 11, 11, F]` -> actions, values, new state."""

    divisors: Tensor

    def __init__(self, divisors: Sequence[float], actions: Actions, head: SingleHead | None = None) -> None:
        super().__init__(head or SingleHead(len(actions.pairs)), actions)
        self.register_buffer("divisors", torch.tensor(divisors).view(1, -1, 1, 1))
        self.cnn1, self.cnn2 = nn.Conv2d(len(divisors), 64, 5, stride=3), nn.Conv2d(64, 64, 3)
        self.fc1, self.fc2 = nn.Linear(64, HIDDEN), nn.Linear(HIDDEN, HIDDEN)

    def forward(self, obs: Tensor, h: Tensor, c: Tensor, action: Tensor | None = None) -> tuple[Tensor, ...]:
        """Observations, state `[L, B, H]`, perhaps actions `[B, T, 2]` -> results, and the new state."""
        x = self.observe(obs)
        x = torch.relu(self.cnn1(x))
        x = torch.relu(self.cnn2(x)).flatten(1)
        x = torch.relu(self.fc1(x))
        x = torch.relu(self.fc2(x))
        x, h, c = self.recur(x, h, c)
        x = torch.relu(x)
        value = self.value(torch.tanh(self.critic(x)))
        logits = self.head(torch.relu(self.actor(x)))
        if action is None:
            action, log_prob, entropy, log_probs = self.actions.sample(logits)
        else:
            action, log_prob, entropy, log_probs = self.actions.evaluate(logits, action)
        return action, log_prob, entropy, value, log_probs, h, c

    def observe(self, obs: Tensor) -> Tensor:
        """Channels first, divided; a permuted view, so that convolutions see channels last."""
        x = obs.flatten(0, -4) if obs.dim() == 5 else obs
        return x.float().permute(0, 3, 1, 2) / self.divisors

    def steps(self) -> list[Step]:
        return [
            (self.observe, ("obs",), ("box",)),
            (nn.Sequential(self.cnn1, nn.ReLU()), ("box",), ("cnn1",)),
            (nn.Sequential(self.cnn2, nn.ReLU()), ("cnn1",), ("cnn2",)),
            (nn.Flatten(), ("cnn2",), ("flat",)),
            (nn.Sequential(self.fc1, nn.ReLU()), ("flat",), ("fc1",)),
            (nn.Sequential(self.fc2, nn.ReLU()), ("fc1",), ("encoded",)),
        ]
