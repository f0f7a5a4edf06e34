"""The spaces that the old agent read, without gymnasium."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
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
    """Stands for `gymnasium.spaces.Box`, attribute by attribute, of which the old agent only read the shape."""

    def __init__(self, shape: Sequence[int], dtype: Any = np.uint8, low: float = 0, high: float = 255) -> None:
        self.dtype = np.dtype(dtype)
        self._shape = tuple(shape)
        self.low, self.high = (np.full(self._shape, bound, dtype=self.dtype) for bound in (low, high))
        self.bounded_below, self.bounded_above = (np.ones(self._shape, dtype=bool) for _ in range(2))
        self.low_repr, self.high_repr = str(low), str(high)
        self._np_random: Any = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one observation."""
        return self._shape


class Dict:
    """Stands for `gymnasium.spaces.Dict`."""

    def __init__(self, spaces: Mapping[str, Any]) -> None:
        self.spaces = OrderedDict(sorted(spaces.items()))
        self._shape: Any = None
        self.dtype: Any = None
        self._np_random: Any = None

    def __getitem__(self, key: str) -> Any:
        return self.spaces[key]
