"""`ObsTokenToBoxShaper`: tokens spread over a box of cells (from 2025-06-09)."""

from __future__ import annotations

import warnings
from typing import Any

import torch
from einops import rearrange
from torch import Tensor

from legacy.base import Blackboard, LayerBase

# N batch times time, M tokens, L features, W obs_width, H obs_height
PADDING = 0xFF


class ObsTokenToBoxShaper(LayerBase):
    """`td["x"]` `[B, (T,) M, 3]` (cell, feature, value) -> `[B * T, L, W, H]` float32.

    Of two tokens for one place the last one wins.

    Also writes the ints `_TT_`, `_batch_size_` and `_BxTT_`.

    Quirks kept: the high nibble of a cell is the row, yet rows are bounded by the width and columns by the height
    (trap 38); L is the number of features of the environment in training (trap 39).

    Raises:
        AssertionError: tokens that are no triples.
        IndexError: "index ... is out of bounds ...": a feature beyond L, a cell beyond the window (trap 37).
    """

    def __init__(
        self, obs_shape: Any, obs_width: int, obs_height: int, feature_normalizations: Any, **cfg: Any
    ) -> None:
        super().__init__(**cfg)
        self._obs_shape = list(obs_shape)
        self.out_width, self.out_height = obs_width, obs_height
        self.num_layers = self._count(feature_normalizations)
        self._out_tensor_shape = [self.num_layers, self.out_width, self.out_height]

    def _count(self, feature_normalizations: Any) -> int:
        return len(feature_normalizations)

    def _forward(self, td: Blackboard) -> Blackboard:
        tokens = self._tokens(td)
        cell = tokens[..., 0].to(torch.uint8)
        row, column = (cell >> 4 & 0x0F).long(), (cell & 0x0F).long()
        feature, value = tokens[..., 1].long(), tokens[..., 2].float()
        td[str(self._name)] = self._box(cell != PADDING, feature, row, column, value)
        return td

    def _tokens(self, td: Blackboard) -> Tensor:
        x: Tensor = td["x"]
        batch, time = x.shape[0], x.shape[1] if x.dim() == 4 else 1
        if x.dim() == 4:
            x = rearrange(x, "b t m c -> (b t) m c")
        td["_BxTT_"], td["_TT_"], td["_batch_size_"] = batch * time, time, batch
        assert x.shape[-1] == 3, f"expected 3 numbers per token, got {x.shape[-1]}"
        return x

    def _box(self, valid: Tensor, feature: Tensor, row: Tensor, column: Tensor, value: Tensor) -> Tensor:
        batch = len(value)
        box = torch.zeros(batch, self.num_layers, self.out_width, self.out_height, device=value.device)
        number = torch.arange(batch, device=value.device).unsqueeze(-1).expand_as(feature)
        box[number[valid], feature[valid], row[valid], column[valid]] = value[valid]
        return box


class ObsTokenToBoxShaperE5e(ObsTokenToBoxShaper):
    """From 2025-06-16: features are numbered, perhaps with gaps."""

    def _count(self, feature_normalizations: Any) -> int:
        return int(max(feature_normalizations.keys())) + 1


class ObsTokenToBoxShaper0729(ObsTokenToBoxShaperE5e):
    """From 2025-07-29: features beyond L are dropped, with a warning."""

    def _box(self, valid: Tensor, feature: Tensor, row: Tensor, column: Tensor, value: Tensor) -> Tensor:
        return super()._box(self._known(valid, feature), feature, row, column, value)

    def _known(self, valid: Tensor, feature: Tensor) -> Tensor:
        unknown = valid & (feature >= self.num_layers)
        if unknown.any():
            numbers = sorted(set(feature[unknown].tolist()))
            warnings.warn(
                f"Found observation attribute indices {numbers} >= num_layers ({self.num_layers}). These tokens "
                "will be ignored. This may indicate the policy was trained with fewer observation channels.",
                stacklevel=2,
            )
        return valid & ~unknown


class ObsTokenToBoxShaperE8(ObsTokenToBoxShaper0729):
    """From 2025-08-07: reads `td["env_obs"]` `[N, M, 3]`, and writes nothing besides its output."""

    def _tokens(self, td: Any) -> Tensor:
        tokens: Tensor = td["env_obs"]
        return tokens


class ObsTokenToBoxShaper0808(ObsTokenToBoxShaperE8):
    """From 2025-08-08: writes through one flat index per token.

    Quirks kept (trap 37): padding and unknown features write 0 at feature 0, cell (0, 0), and so erase what an earlier
    token wrote there; a column beyond the height lands in the next row, a row beyond the width in the next feature.

    Raises:
        RuntimeError: "index ... is out of bounds ...": beyond the end of the box.
    """

    def _box(self, valid: Tensor, feature: Tensor, row: Tensor, column: Tensor, value: Tensor) -> Tensor:
        valid = self._known(valid, feature)
        cells = self.out_width * self.out_height
        index = feature * cells + (row * self.out_height + column)
        index = torch.where(valid, index, torch.zeros_like(index))
        value = torch.where(valid, value, torch.zeros_like(value))
        flat = torch.zeros(len(value), self.num_layers * cells, device=value.device)
        flat.scatter_(1, index, value)
        return flat.view(-1, self.num_layers, self.out_width, self.out_height)
