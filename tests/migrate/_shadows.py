"""Shadows of small policies, and what the tests do with them and with their controls alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import migrate
import modules
from migrate import config_rules
from tests.migrate import _policies as policies

STACKS = ("legacy", "modules")
ACTION = torch.tensor([[[0, 0], [1, 2]]] * 3)
NEW = config_rules.to_new_agent(policies.CONFIG, policies.ERA, "test")[0]
DROPOUT = policies.changed(
    NEW,
    drop={"_target_": "modules.layers.dropout.DropoutModule", "sources": ["fc"], "p": 0.5},
    _core_={"sources": ["drop"]},
)
BATCH_NORM = policies.changed(
    NEW,
    bn={"_target_": "modules.layers.batch_norm2d.BatchNorm2dModule", "sources": ["norm"]},
    **{"cnn-1": {"sources": ["bn"]}},
)
OUTPUTS = {"value", "log_probs", "log_prob", "entropy", "action", "lstm_h", "lstm_c", "generator"}
"""What is compared of every call that samples."""


def build(
    stack: str,
    serves: str = "legacy",
    config: Mapping[str, Any] = NEW,
    checkpoint: Path | None = None,
    **options: Any,
) -> Any:
    """An agent with actions active; from one seed, always the same."""
    torch.manual_seed(3)
    flags = {"stack": stack, "shadow": {"serves": serves, **options}}
    agent = migrate.build_agent({**config, **flags}, policies.ENVIRONMENT, checkpoint)
    if checkpoint is None:
        agent.activate_actions(*deepcopy(policies.ACTIONS), "cpu")
    return agent


def observations(seed: int, *leading: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (*leading, *policies.ENVIRONMENT.obs_shape), generator=generator, dtype=torch.uint8)


def act(agent: Any, steps: int = 3) -> list[Tensor]:
    """Steps of an episode: results, carried state, and where the generator stands."""
    torch.manual_seed(0)
    found, state = [], modules.PolicyState()
    for step in range(steps):
        with torch.no_grad():
            results = agent(observations(step, 4), state)
        found += [*results, state.lstm_h, state.lstm_c, torch.get_rng_state()]
    return found


def train(agent: Any, optimizer: torch.optim.Optimizer | None = None, steps: int = 2) -> list[Tensor]:
    """Steps of training: results, gradients, weights, and where the generator stands."""
    optimizer = optimizer or torch.optim.Adam(agent.parameters(), lr=1e-2)
    torch.manual_seed(0)
    found: list[Any] = []
    for step in range(steps):
        state = modules.PolicyState()
        results = agent(observations(step, 3, 2), state, ACTION)
        _, log_prob, entropy, value, _ = results
        optimizer.zero_grad()
        torch.autograd.backward((value**2).mean() - log_prob.mean() + 0.1 * entropy.mean())
        found += [*results, state.lstm_h, *(parameter.grad.clone() for parameter in agent.parameters())]
        optimizer.step()
        agent.clip_weights()
        found += [*(tensor.clone() for tensor in agent.state_dict().values()), torch.get_rng_state()]
    return found


def same(left: Sequence[Tensor], right: Sequence[Tensor]) -> bool:
    """Bit for bit, whatever has a gradient."""
    return policies.equal([each.detach() for each in left], [each.detach() for each in right])


def nudge(agent: Any, name: str = "_value_") -> None:
    """Moves the largest weight of a component by one ulp."""
    weight = next(agent.components[name].parameters()).detach().view(-1)
    index = weight.abs().argmax()
    weight[index] = torch.nextafter(weight[index], torch.tensor(9.0))
