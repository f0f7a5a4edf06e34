"""The agents that are measured, each as every side: old, exact, fast, by hand, as a `TensorDictSequential`."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import Tensor, nn

from benchmarks.by_hand import by_hand
from benchmarks.by_hand.parts import Agent
from legacy.normalizations import OBS_NORMALIZATIONS
from migrate import build_agent, config_rules
from migrate.agent_rules import decided_by, era_of_config
from modules import Environment, MettaAgent

# B batch, T time, M tokens, F features
CONFIGS = Path(__file__).parent / "agents"
AGENTS = ("simple", "simple_big", "fast", "latent_attn_tiny")
SIDE, BOX_FEATURES, TOKENS, TOKEN_FEATURES = 11, 34, 200, 25
FULL_TOKENS = (60, TOKENS)
"""An observation has at least, and less than, so many tokens that are no padding."""
PADDING = 255
ACTIONS: Mapping[str, Mapping[str, int]] = {
    "box": {"wait": 0, "take": 0, "give": 0, "go": 1, "turn": 3, "hit": 9, "hit_near": 0, "swap": 0, "paint": 3},
    "tokens": {"wait": 0, "take": 0, "give": 0, "go": 1, "turn": 3, "hit": 8, "swap": 0, "paint": 3, "write": 11},
}
"""Kind of observation -> type of action and its largest parameter: 25 and 35 actions, as the old environments had."""
SEED = 0


@dataclass(frozen=True)
class Subject:
    """One policy, on every side.

    Attributes:
        name: of its config.
        old: of the old stack.
        exact: of the new one.
        fast: likewise, with `numerics: fast`; None where the new stack has no cheaper way for it.
        by_hand: plain torch.
    """

    name: str
    old: Any
    exact: MettaAgent
    fast: MettaAgent
    by_hand: Agent

    @property
    def has_tokens(self) -> bool:
        """Whether it observes tokens, and not a box."""
        return len(self.exact.environment.obs_shape) == 2

    @property
    def has_relu(self) -> bool:
        """Whether there is one behind the core."""
        return "core_relu" in self.exact.components

    @property
    def owns_state(self) -> bool:
        """Whether the old agent keeps its recurrent state itself, and reads a `TensorDict` (from E8 on)."""
        return self.has_tokens


def read_config(name: str) -> dict[str, Any]:
    """The config of an agent, in the words of the new stack, with what its era decides for the whole agent."""
    config: dict[str, Any] = yaml.safe_load((CONFIGS / f"{name}.yaml").read_text(encoding="utf-8"))
    return {**config, **decided_by(era_of_config(config), config["components"])}


def environment_for(config: Mapping[str, Any]) -> Environment:
    """An environment as large as the old ones were: a box of 11 x 11 cells, or 200 tokens."""
    target = config["components"]["_obs_"]["_target_"]
    names, divisors = list(OBS_NORMALIZATIONS), list(OBS_NORMALIZATIONS.values())
    nvec = [(len(actions), 1 + max(actions.values())) for actions in ACTIONS.values()]
    if target.endswith("ObsShaperModule"):
        features = slice(0, BOX_FEATURES)
        return Environment((SIDE, SIDE, BOX_FEATURES), tuple(divisors[features]), tuple(names[features]), nvec[0])
    # Code of E10 divides a feature's values by its number, so 0 must be none.
    first = int("divide_by" in config["components"]["obs_normalizer"])
    return Environment(
        obs_shape=(TOKENS, 3),
        feature_normalizations=tuple(divisors[-TOKEN_FEATURES:]),
        action_nvec=nvec[1],
        feature_ids=tuple(range(first, first + TOKEN_FEATURES)),
        obs_width=SIDE,
        obs_height=SIDE,
    )


def actions_for(environment: Environment) -> tuple[list[str], list[int]]:
    """Names and largest parameters of what is activated."""
    actions = ACTIONS["box" if len(environment.obs_shape) == 3 else "tokens"]
    return list(actions), list(actions.values())


@cache
def subject(name: str) -> Subject:
    """An agent on every side, with the same weights in the same memory."""
    config = read_config(name)
    environment = environment_for(config)
    agents = {}
    with torch.random.fork_rng(devices=[]):
        for stack in ("legacy", "modules"):
            torch.manual_seed(SEED)
            agents[stack] = build_agent({**config, config_rules.STACK: stack}, environment)
            agents[stack].activate_actions(*actions_for(environment), "cpu")
    exact = agents["modules"]
    share_weights(exact, agents["legacy"])
    return Subject(name, agents["legacy"], exact, in_other_words(exact, numerics="fast"), by_hand(name, exact))


def share_weights(source: nn.Module, *others: nn.Module) -> None:
    """Lets others, with parameters in the same order, read the memory of `source`, once both hold equal values.

    With one observation, reading weights takes most of the time, and some places are read faster than others.

    Raises:
        ValueError: weights that differ, or a different number of them.
    """
    for other in others:
        for theirs, ours in zip(other.parameters(), source.parameters(), strict=True):
            if not torch.equal(theirs, ours):
                raise ValueError("only equal weights can be shared")
            theirs.data = ours.data


def in_other_words(agent: MettaAgent, **changes: Any) -> MettaAgent:
    """An agent built with other top-level keys in its config, with the weights of `agent`."""
    with torch.random.fork_rng(devices=[]):
        copied = MettaAgent({**agent.config, **changes}, agent.environment)
    copied.activate_actions(*actions_for(agent.environment))
    copied.load_state_dict(agent.state_dict())
    share_weights(agent, copied)
    return copied


def wrapped(agent: MettaAgent, wrapper: Any) -> MettaAgent:
    """A copy of an agent, with a wrapper around each component and the weights of `agent`."""
    copied = copy.deepcopy(agent)
    for name in list(copied.components):
        copied.components.replace_component(name, wrapper(copied.components[name]))
    share_weights(agent, copied)
    return copied


def observations(subject: Subject, *batch: int, seed: int = 0) -> Tensor:
    """uint8 `[*batch, 11, 11, F]`, or tokens `[*batch, M, 3]` (cell, feature, value) with padding behind them."""
    generator = torch.Generator().manual_seed(seed)
    environment = subject.exact.environment
    if not subject.has_tokens:
        return torch.randint(0, 256, (*batch, *environment.obs_shape), dtype=torch.uint8, generator=generator)
    place = torch.randint(0, SIDE * SIDE, (*batch, TOKENS), generator=generator)
    cell = (place // SIDE << 4) + place % SIDE
    feature = torch.randint(0, TOKEN_FEATURES, (*batch, TOKENS), generator=generator) + min(environment.feature_ids)
    tokens = torch.stack([cell, feature, torch.randint(0, 256, (*batch, TOKENS), generator=generator)], dim=-1)
    full = torch.randint(*FULL_TOKENS, (*batch, 1), generator=generator)
    tokens[torch.arange(TOKENS).expand(*batch, -1) >= full] = PADDING
    return tokens.to(torch.uint8)


def actions(subject: Subject, *batch: int, seed: int = 0) -> Tensor:
    """`[*batch, 2]`: type and parameter, as they would have been sampled."""
    generator = torch.Generator().manual_seed(seed)
    pairs = subject.by_hand.actions.pairs
    return pairs[torch.randint(0, len(pairs), batch, generator=generator)]


def states(subject: Subject, batch: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Hidden and cell state, `[L, B, H]` each."""
    generator = torch.Generator().manual_seed(seed)
    shape = (subject.by_hand.core.num_layers, batch, subject.by_hand.core.hidden_size)
    return torch.rand(shape, generator=generator) - 0.5, torch.rand(shape, generator=generator) - 0.5
