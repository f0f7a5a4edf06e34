"""What to try: Hypothesis draws the structure of inputs, a seeded generator their data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from hypothesis import strategies as st
from torch import Generator, Tensor

# B batch, T time, H height, W width, F features, L layers

Fill = Callable[[tuple[int, ...], Generator], Tensor]


def _sparse(shape: tuple[int, ...], generator: Generator) -> Tensor:
    values = torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)
    return values * (torch.rand(shape, generator=generator) < 0.1)


def tokens(shape: tuple[int, ...], generator: Generator) -> Tensor:
    """`[..., M, 3]` uint8 tokens (cell, feature, value): valid, out of range, repeated, and padding anywhere."""
    lists = shape[:-1]
    cell = torch.randint(0, 256, lists, generator=generator)
    near = torch.randint(0, 3, lists, generator=generator) * 16 + torch.randint(0, 3, lists, generator=generator)
    cell = torch.where(torch.rand(lists[:-1], generator=generator)[..., None] < 0.7, near, cell)
    feature = torch.randint(0, 24, lists, generator=generator)
    wild = torch.rand((*lists[:-1], 1), generator=generator) < 0.1
    feature = torch.where(wild, torch.randint(0, 256, lists, generator=generator), feature)
    value = torch.randint(0, 256, lists, generator=generator)
    result = torch.stack([cell, feature, value], dim=-1).to(torch.uint8)
    ends = torch.randint(0, 2 * lists[-1] + 1, lists[:-1], generator=generator)[..., None]
    holes = torch.rand(lists, generator=generator) < 0.05 * (torch.rand((*lists[:-1], 1), generator=generator) < 0.3)
    padding = (torch.arange(lists[-1]) >= ends) | holes
    return result.masked_fill(padding[..., None], 255)


def near_tokens(shape: tuple[int, ...], generator: Generator, keep: float = 0.8) -> Tensor:
    """`[..., M, 3]` uint8 tokens as an environment gives them: cells of a small window, low features, padding last."""
    result = tokens(shape, generator)
    lists = shape[:-1]
    cell = torch.randint(0, 5, lists, generator=generator) * 16 + torch.randint(0, 5, lists, generator=generator)
    feature = torch.randint(0, 6, lists, generator=generator)
    near = torch.stack([cell, feature, result[..., 2].long()], dim=-1).to(torch.uint8)
    ends = torch.rand(lists[:-1], generator=generator)[..., None] * keep * lists[-1]
    return near.masked_fill((torch.arange(lists[-1]) >= ends)[..., None], 255)


OBSERVATIONS: dict[str, Fill] = {
    "small": lambda shape, g: torch.randint(0, 4, shape, generator=g, dtype=torch.uint8),
    "uniform": lambda shape, g: torch.randint(0, 256, shape, generator=g, dtype=torch.uint8),
    "sparse": _sparse,
    "zeros": lambda shape, _: torch.zeros(shape, dtype=torch.uint8),
    "maximum": lambda shape, _: torch.full(shape, 255, dtype=torch.uint8),
}


def _padding(shape: tuple[int, ...], _: Generator) -> Tensor:
    return torch.full(shape, 255, dtype=torch.uint8)


TOKENS: dict[str, Fill] = {
    "small": near_tokens,
    "uniform": tokens,
    "sparse": lambda shape, g: near_tokens(shape, g, keep=0.1),
    "zeros": lambda shape, _: torch.zeros(shape, dtype=torch.uint8),
    "maximum": _padding,
}
"""The same names as `OBSERVATIONS`, for observations that are tokens."""
STATES: dict[str, Fill | None] = {
    "none": None,
    "zeros": lambda shape, _: torch.zeros(shape),
    "normal": lambda shape, g: torch.randn(shape, generator=g),
    "large": lambda shape, g: torch.randn(shape, generator=g) * 1e4,
}


def _edges(shape: tuple[int, ...], generator: Generator) -> Tensor:
    special = torch.tensor([0.0, -0.0, 1e-40, -1e-40, 3e38, -3e38, float("inf"), float("-inf"), float("nan"), 1.0])
    values = torch.randn(shape, generator=generator)
    chosen = special[torch.randint(0, len(special), shape, generator=generator)]
    return torch.where(torch.rand(shape, generator=generator) < 0.2, chosen, values)


FLOATS: dict[str, Fill] = {
    "normal": lambda shape, g: torch.randn(shape, generator=g),
    "tiny": lambda shape, g: torch.randn(shape, generator=g) * 1e-39,
    "large": lambda shape, g: torch.randn(shape, generator=g) * 1e18,
    "edges": _edges,
}


@dataclass(frozen=True)
class Draw:
    """The structure of one input.

    Attributes:
        batch: B.
        time: T, for training.
        observations: a key of `OBSERVATIONS`.
        state: a key of `STATES`.
        train: whether the agents are in training mode.
        seed: of the data, and of the global generator before each pass.
    """

    batch: int
    time: int
    observations: str
    state: str
    train: bool
    seed: int


def draws() -> st.SearchStrategy[Draw]:
    """Inputs for a whole agent; the simplest one is a single step of one small observation without state."""
    return st.builds(
        Draw,
        batch=st.integers(1, 6),
        time=st.integers(1, 5),
        observations=st.sampled_from(list(OBSERVATIONS)),
        state=st.sampled_from(list(STATES)),
        train=st.booleans(),
        seed=st.integers(0, 2**31 - 1),
    )


@dataclass(frozen=True)
class AgentSizes:
    """What inputs for an agent must fit.

    Attributes:
        obs_shape: of one observation.
        layers: L.
        hidden_size: of the recurrent state.
        max_params: the largest parameter of each action type.
        nvec: sizes of two heads, for agents that have them.
        feature_ids: numbers of features, for observations that are tokens.
    """

    obs_shape: tuple[int, ...]
    layers: int
    hidden_size: int
    max_params: tuple[int, ...]
    nvec: tuple[int, ...] = ()
    feature_ids: tuple[int, ...] = ()

    @property
    def has_tokens(self) -> bool:
        """Whether observations are tokens."""
        return len(self.obs_shape) == 2


class Inputs:
    """The data of one draw, made on demand and the same every time."""

    def __init__(self, draw: Draw, sizes: AgentSizes) -> None:
        self.draw, self.sizes = draw, sizes

    def _generator(self, purpose: int) -> Generator:
        return torch.Generator().manual_seed(self.draw.seed * 31 + purpose)

    def step_obs(self, step: int = 0) -> Tensor:
        """`[B, *obs_shape]` uint8."""
        shape = (self.draw.batch, *self.sizes.obs_shape)
        return self._observations(shape, self._generator(100 + step))

    def sequence_obs(self) -> Tensor:
        """`[B, T, *obs_shape]` uint8."""
        shape = (self.draw.batch, self.draw.time, *self.sizes.obs_shape)
        return self._observations(shape, self._generator(1))

    def _observations(self, shape: tuple[int, ...], generator: Generator) -> Tensor:
        if not self.sizes.has_tokens:
            return OBSERVATIONS[self.draw.observations](shape, generator)
        return TOKENS[self.draw.observations](shape, generator)

    def action(self) -> Tensor:
        """`[B, T, 2]` int64, types and parameters of active actions."""
        generator = self._generator(2)
        if self.sizes.nvec:
            shape = (self.draw.batch, self.draw.time)
            return torch.stack([torch.randint(0, n, shape, generator=generator) for n in self.sizes.nvec], dim=-1)
        largest = torch.tensor(self.sizes.max_params)
        kind = torch.randint(0, len(largest), (self.draw.batch, self.draw.time), generator=generator)
        parameter = torch.randint(0, 2**31, kind.shape, generator=generator) % (largest[kind] + 1)
        return torch.stack([kind, parameter], dim=-1)

    def state(self) -> tuple[Tensor, Tensor] | None:
        """`[L, B, hidden_size]` twice, or None."""
        fill = STATES[self.draw.state]
        if fill is None:
            return None
        shape, generator = (self.sizes.layers, self.draw.batch, self.sizes.hidden_size), self._generator(3)
        return fill(shape, generator), fill(shape, generator)

    def loss_weights(self, shape: tuple[int, ...], purpose: int) -> Tensor:
        """Random weights of a scalar loss, so that no gradient cancels out."""
        return torch.randn(shape, generator=self._generator(10 + purpose))
