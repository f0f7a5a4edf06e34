"""The two observation and action spaces that the old agent read, without gymnasium."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


class MultiDiscrete:
    """Stands for `gymnasium.spaces.MultiDiscrete`, attribute by attribute, as old checkpoints pickle it."""

    def __init__(self, nvec: Sequence[int]) -> None:
        self.dtype = np.dtype(np.int64)
        self.nvec = np.array(nvec, dtype=np.int64)
        self.start = np.zeros_like(self.nvec)
        self._shape = self.nvec.shape
        self._np_random: Any = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MultiDiscrete) and bool(np.array_equal(self.nvec, other.nvec))

    __hash__ = None  # type: ignore[assignment]  # mutable, like the original

    def __repr__(self) -> str:
        return f"MultiDiscrete({self.nvec})"


class Box:
    """An observation space, of which only the shape was ever read."""

    def __init__(self, shape: Sequence[int]) -> None:
        self.shape = tuple(shape)
