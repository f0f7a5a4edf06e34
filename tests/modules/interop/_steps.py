"""Steps of agents that torch's own machinery is put around: batches, a loss, and every wrapper at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from modules import MettaAgent, RegularizedModule, SafeModule, WeightMonitoringModule

Change = Callable[[MettaAgent], MettaAgent]


def plain(agent: MettaAgent) -> MettaAgent:
    return agent


def wrapped(agent: MettaAgent) -> MettaAgent:
    """The agent with every component inside three wrappers."""
    for name, component in list(agent.components.items()):
        inside = WeightMonitoringModule(RegularizedModule(SafeModule(component)))
        agent.components.replace_component(name, inside)
    return agent


def batch_of(agent: MettaAgent, *batch: int, seed: int = 0) -> dict[str, Tensor]:
    """Observations, state and actions for `[B]` or `[B, T]`, as a caller would give them."""
    generator = torch.Generator().manual_seed(seed)
    types = len(agent.action_space.names) if agent.action_space else agent.environment.action_nvec[0]
    data = {
        "x": torch.randint(0, 4, (*batch, *agent.environment.obs_shape), dtype=torch.uint8, generator=generator),
        "action": torch.randint(0, types, (*batch, 2), generator=generator),
    }
    data["action"][..., 1] = 0
    if len(agent.environment.obs_shape) == 2:  # tokens, of which some rows have more than others
        for row in data["x"].flatten(0, -3):
            row[int(torch.randint(2, len(row), (), generator=generator)) :] = 0xFF
    core: Any = next(each for each in agent.components.modules() if hasattr(type(each), "initial_state"))
    for key, zeros in zip(("lstm_h", "lstm_c"), core.initial_state(batch[0], data["x"]), strict=True):
        data[key] = torch.randn(zeros.shape, generator=generator)
    return data


def loss_of(results: Mapping[str, Tensor]) -> Tensor:
    """A scalar that every head takes part in."""
    return results["value"].square().mean() - results["log_prob"].mean() - 0.01 * results["entropy"].mean()
