"""`ObsShaper`: box observations, batch and time joined, channels first (E1 to 2025-06-18)."""

from __future__ import annotations

from typing import Any

from legacy.base import Blackboard, LayerBase
from legacy.early import EarlyLayer, PublicNames


class ObsShaper(LayerBase):
    """`td["x"]` `[B, (T,) H, W, F]` of any dtype -> `[B * T, F, H, W]` float32, a permuted (channels-last) view.

    Also writes the ints `_TT_`, `_batch_size_` and `_BxTT_`, which the action embedding reads.

    Raises:
        ValueError: "Shape mismatch error: ..." or "Invalid input tensor dimensionality: ...".
    """

    def __init__(self, obs_shape: Any, num_objects: int | None = None, **cfg: Any) -> None:
        super().__init__(**cfg)
        self._obs_shape = list(obs_shape)
        self._out_tensor_shape = [self._obs_shape[2], self._obs_shape[0], self._obs_shape[1]]
        self._output_size: int | None = num_objects

    def _forward(self, td: Blackboard) -> Blackboard:
        x = td["x"]
        expected, ndim = self._obs_shape, len(self._obs_shape)
        if list(x.shape[-ndim:]) != expected:
            raise ValueError(f"Shape mismatch error: expected trailing dimensions {expected}, got {list(x.shape)}")
        if x.dim() not in (ndim + 1, ndim + 2):
            raise ValueError(
                f"Invalid input tensor dimensionality: expected {ndim + 1} or {ndim + 2} dimensions, got {x.dim()}"
            )
        batch, time = x.shape[0], x.shape[1] if x.dim() == ndim + 2 else 1
        td["_TT_"], td["_batch_size_"], td["_BxTT_"] = time, batch, batch * time
        td[str(self._name)] = x.reshape(batch * time, *expected).float().permute(0, 3, 1, 2)
        return td


class ObsShaperE5a(ObsShaper):
    """From 2025-05-30: it keeps no number of objects."""

    def __init__(self, obs_shape: Any, **cfg: Any) -> None:
        super().__init__(obs_shape, None, **cfg)
        del self._output_size


class ObsShaperE2(EarlyLayer):
    """E2 and E3: the same, with the number of features as its size.

    Raises:
        ValueError: "Invalid input tensor shape".
    """

    def __init__(self, obs_shape: Any, num_objects: int, **cfg: Any) -> None:
        super().__init__(**cfg)
        self._obs_shape = obs_shape
        self._output_size = num_objects

    def _forward(self, td: Blackboard) -> Blackboard:
        x, shape = td["x"], list(self._obs_shape)
        if list(x.shape[-3:]) != shape or x.dim() not in (4, 5):
            raise ValueError("Invalid input tensor shape", x.shape)
        rows = x.shape[0] * (x.shape[1] if x.dim() == 5 else 1)
        td[self._name] = x.reshape(rows, *shape).float().permute(0, 3, 1, 2)
        return td


class ObsShaperE1(PublicNames, ObsShaperE2):
    """E1."""
