"""From an agent of the new stack to the hand-written module with the same weights, found by its file's name."""

from __future__ import annotations

import importlib
from typing import Any, cast

from torch import nn

from benchmarks.by_hand.parts import Actions, Agent
from modules import MettaAgent

OWN_NAMES = {
    "encoded_obs": "fc2",
    "_core_": "core",
    "critic_1": "critic",
    "_value_": "value",
    "actor_1": "actor",
    "_action_": "head",
    "obs_cross_attn": "attention",
    "obs_normalizer.obs_norm": "divisors",
    "obs_normalizer.divisors": "divisors",
    "obs_fourier.feature_embedding": "feature.weight",
    "obs_fourier.frequencies": "frequencies",
    "_action_embeds_.weight": "head.embeds.weight",
    "_action_embeds_.active_indices": "head.active",
}
"""A component, or one of its tensors -> what the hand-written module calls it; others have one name in both."""
UNUSED = ("_obs_.feature_remap",)
"""Tensors that a pass reads only where features have other numbers than in training."""


def by_hand(name: str, agent: MettaAgent) -> Agent:
    """The hand-written module of an agent, with its weights, in their memory.

    Args:
        name: of a file in this package.
        agent: of that architecture, with active actions.
    """
    space = agent.action_space
    if space is None:
        raise ValueError("activate the agent's actions first")
    actions = Actions(space.max_params, space.pairs.dtype)
    made = importlib.import_module(f"benchmarks.by_hand.{name}").ByHand(
        agent.environment.feature_normalizations, actions
    )
    state = {own_name(key): tensor for key, tensor in agent.state_dict().items() if not key.endswith(UNUSED)}
    made.load_state_dict(state, assign=True)
    return cast(Agent, made)


def own_name(name: str) -> str:
    """What the hand-written module calls a tensor of the agent's state dict."""
    component, _, rest = name.removeprefix("components.").partition(".")
    return OWN_NAMES.get(f"{component}.{rest}") or f"{OWN_NAMES.get(component, component)}.{rest}"


def parameter_names(agent: nn.Module) -> dict[str, str]:
    """The agent's parameter names -> those of the hand-written module."""
    named: Any = agent.named_parameters()
    return {name: own_name(name) for name, _ in named}
