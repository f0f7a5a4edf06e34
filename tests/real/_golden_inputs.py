"""What golden files were recorded with: environments, observations, actions and stand-ins for trained weights."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from legacy.spaces import Box, MultiDiscrete
from migrate.eras import Era

FACTORS = np.array([7, 3, 5, 11, 13, 17])
NUM_TOKENS = 200
ACTIONS = (["noop", "move", "attack"], [0, 1, 2])
PAIRS = [[0, 0], [1, 0], [1, 1], [2, 0], [2, 1], [2, 2]]
NVEC = (4, 3)


class Environment:
    """What the recorder built its agents for."""

    def __init__(self, golden: Mapping[str, Any], era: Era, *, has_box: bool) -> None:
        names = golden["grid_features"]
        box = (11, 11, len(names)) if has_box else (NUM_TOKENS, 3)
        shape = tuple(map(int, re.findall(r"\d+", golden["obs"]))) if "obs" in golden else box
        self.grid_features = names
        self.single_observation_space = Box(shape)
        self.single_action_space = MultiDiscrete(NVEC)
        if len(shape) == 2:
            self.obs_width = self.obs_height = 11
        if era.is_since("E5b"):
            number = shape[-1] if len(shape) == 3 else len(names)
            divisors = {i: float(i + 2) for i in range(number)}
            recorded = golden.get("feature_normalizations", "dict")
            self.feature_normalizations = divisors if recorded == "dict" else list(divisors.values())

    def observations(self, *leading: int) -> Tensor:
        """`[*leading, ...]` uint8."""
        shape = self.single_observation_space.shape
        return boxes(*leading, *shape) if len(shape) == 3 else tokens(*leading)


def boxes(*shape: int) -> Tensor:
    """Numbers below 13 that follow from the place."""
    index = np.indices(shape)
    factors = FACTORS[: index.shape[0]].reshape(-1, *[1] * (index.ndim - 1))
    return torch.from_numpy((index * factors).sum(0) % 13).to(torch.uint8)


def tokens(*leading: int) -> Tensor:
    """`[*leading, M, 3]`: rows of different lengths, padded with 255; several tokens may lie in one cell."""
    rows = int(np.prod(leading))
    result = np.full((rows, NUM_TOKENS, 3), 255, dtype=np.uint8)
    for b in range(rows):
        t = np.arange(30 + 10 * (b % 5))
        result[b, t, 0] = ((7 * t + b) % 11) * 16 + (5 * t + 2 * b) % 11
        result[b, t, 1] = (t + b) % 14
        result[b, t, 2] = (3 * t + b) % 9
    return torch.from_numpy(result).view(*leading, NUM_TOKENS, 3)


def actions(era: Era) -> Tensor:
    """`[2, 3, 2]`, what the training passes are given."""
    pairs = PAIRS if era.is_since("E4a") else [[i % NVEC[0], 2 * i % NVEC[1]] for i in range(6)]
    return torch.tensor(pairs).view(2, 3, 2)


@cache
def perturbation(i: int, shape: tuple[int, ...]) -> Tensor:
    """The values that stand for trained weights in parameter `i`."""
    k = np.arange(int(np.prod(shape)), dtype=np.int64)
    x = ((k + 1) * 1103515245 + (i + 1) * 987654321) % 2**31
    x = ((x ^ (x >> 13)) * 1664525 + 1013904223) % 2**31
    x = ((x ^ (x >> 11)) * 22695477 + 1) % 2**31
    scale = np.sqrt(3 * shape[0] / k.size) if len(shape) >= 2 else 0.1
    return torch.from_numpy(((2 * x / 2**31 - 1) * scale).astype(np.float32).reshape(shape))
