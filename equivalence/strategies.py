"""What to try: Hypothesis draws the structure of inputs, a seeded generator their data."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from hypothesis import strategies as st
from torch import Generator, Tensor

from equivalence.fills import OBSERVATIONS, STATES, TOKENS

# B batch, T time, L layers

RECORDED = "recorded"
"""`Draw.observations` where they come from a file."""
ACTIONS = ("first", "largest", "any")
RESETS = ("never", "some", "all")


@dataclass(frozen=True)
class Draw:
    """The structure of one input.

    Attributes:
        batch: B.
        time: T, for training.
        observations: a key of `OBSERVATIONS` or `TOKENS`, or `recorded`.
        state: a key of `STATES`.
        train: whether the agents are in training mode.
        seed: of the data, and of the global generator before each pass.
        actions: which actions are evaluated: the first, those with the largest parameter, any.
        steps: of a rollout.
        resets: which rows forget their state on the way.
    """

    batch: int
    time: int
    observations: str
    state: str
    train: bool
    seed: int
    actions: str = "any"
    steps: int = 3
    resets: str = "some"


@dataclass(frozen=True)
class AgentSizes:
    """What inputs for an agent must fit.

    Attributes:
        obs_shape: of one observation.
        layers: L; 0 for an agent without recurrent state.
        hidden_size: of the recurrent state.
        max_params: the largest parameter of each action type.
        nvec: sizes of two heads, for agents that have them.
        feature_ids: numbers of features, for observations that are tokens.
        owns_memory: whether the agent keeps the recurrent state itself, and is told where episodes end.
    """

    obs_shape: tuple[int, ...]
    layers: int
    hidden_size: int
    max_params: tuple[int, ...]
    nvec: tuple[int, ...] = ()
    feature_ids: tuple[int, ...] = ()
    owns_memory: bool = False

    @property
    def has_tokens(self) -> bool:
        """Whether observations are tokens."""
        return len(self.obs_shape) == 2


def draws(sizes: AgentSizes, recorded: Tensor | None = None) -> st.SearchStrategy[Draw]:
    """Inputs for a whole agent; the simplest one is a single step of one small observation without state.

    Args:
        sizes: the agent's.
        recorded: `[N, *obs_shape]`, from which observations are taken instead of made.
    """
    fills = fills_for(sizes, recorded)
    return st.builds(
        Draw,
        batch=st.integers(1, 6),
        time=st.integers(1, 5),
        observations=st.sampled_from(fills),
        state=st.sampled_from(list(STATES)),
        train=st.booleans(),
        seed=st.integers(0, 2**31 - 1),
        actions=st.sampled_from(ACTIONS),
        steps=st.integers(1, 6) | st.integers(7, 40),
        resets=st.sampled_from(RESETS),
    )


def fills_for(sizes: AgentSizes, recorded: Tensor | None = None) -> list[str]:
    """The kinds of observations that there are for an agent, the simplest first."""
    return [RECORDED] if recorded is not None else list(TOKENS if sizes.has_tokens else OBSERVATIONS)


class Inputs:
    """The data of one draw, made on demand and the same every time.

    Args:
        draw: its structure.
        sizes: the agent's.
        recorded: see `draws`.
    """

    def __init__(self, draw: Draw, sizes: AgentSizes, recorded: Tensor | None = None) -> None:
        self.draw, self.sizes, self.recorded = draw, sizes, recorded

    def _generator(self, purpose: int) -> Generator:
        return torch.Generator().manual_seed(self.draw.seed * 31 + purpose)

    def step_obs(self, step: int = 0) -> Tensor:
        """`[B, *obs_shape]`; of recorded observations, each row's next one in the next step."""
        shape = (self.draw.batch, *self.sizes.obs_shape)
        if self.recorded is not None:
            return self.recorded[(self._starts() + step) % len(self.recorded)]
        return self._made(shape, self._generator(100 + step))

    def sequence_obs(self, step: int = 0) -> Tensor:
        """`[B, T, *obs_shape]`; other ones for each step of a training."""
        shape = (self.draw.batch, self.draw.time, *self.sizes.obs_shape)
        if self.recorded is not None:
            times = step * self.draw.time + torch.arange(self.draw.time)
            return self.recorded[(self._starts()[:, None] + times) % len(self.recorded)]
        return self._made(shape, self._generator(1 + 100_000 * step))

    def _starts(self) -> Tensor:
        """The recorded observation at which each row begins."""
        count = len(self.recorded) if self.recorded is not None else 1
        return torch.randint(0, count, (self.draw.batch,), generator=self._generator(5))

    def _made(self, shape: tuple[int, ...], generator: Generator) -> Tensor:
        return (TOKENS if self.sizes.has_tokens else OBSERVATIONS)[self.draw.observations](shape, generator)

    def action(self, step: int = 0) -> Tensor:
        """`[B, T, 2]` int64, types and parameters of active actions."""
        shape, generator = (self.draw.batch, self.draw.time), self._generator(2 + 1000 * step)
        if self.sizes.nvec:
            largest = torch.tensor(self.sizes.nvec) - 1
            choices = torch.stack([torch.randint(0, n, shape, generator=generator) for n in self.sizes.nvec], dim=-1)
            return {"first": torch.zeros_like(choices), "largest": largest.expand_as(choices)}.get(
                self.draw.actions, choices
            )
        most = torch.tensor(self.sizes.max_params)
        kind = torch.randint(0, len(most), shape, generator=generator) * (self.draw.actions != "first")
        parameter = torch.randint(0, 2**31, kind.shape, generator=generator) % (most[kind] + 1)
        if self.draw.actions != "any":
            parameter = most[kind] if self.draw.actions == "largest" else torch.zeros_like(kind)
        return torch.stack([kind, parameter], dim=-1)

    def state(self) -> tuple[Tensor, Tensor] | None:
        """`[L, B, hidden_size]` twice, or None; an agent without recurrent layers has none."""
        fill = STATES[self.draw.state]
        if fill is None or not self.sizes.layers:
            return None
        shape, generator = (self.sizes.layers, self.draw.batch, self.sizes.hidden_size), self._generator(3)
        return fill(shape, generator), fill(shape, generator)

    def resets(self, step: int) -> Tensor:
        """`[B]` bool: the rows whose state begins anew before a step of a rollout."""
        chosen = torch.rand(self.draw.batch, generator=self._generator(10_000 + step))
        share = {"never": -1.0, "some": 0.3}.get(self.draw.resets)
        return torch.full((self.draw.batch,), step % 2 == 1) if share is None else chosen < share

    def loss_weights(self, shape: tuple[int, ...], purpose: int) -> Tensor:
        """Random weights of a scalar loss, so that no gradient cancels out."""
        return torch.randn(shape, generator=self._generator(10 + purpose))
