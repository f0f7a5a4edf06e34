"""`ObsTokenPadStrip`: tokens without the padding behind them (from 2025-06-18)."""

from __future__ import annotations

from typing import Any

import torch
from einops import rearrange
from torch import Tensor

from legacy.base import Blackboard, LayerBase

# N batch times time, M tokens, K kept tokens
PADDING = 0xFF
NUM_IDS = 256


class ObsTokenPadStrip(LayerBase):
    """`td["x"]` `[B, (T,) M, 3]` uint8 -> `[B * T, K, 3]` uint8, and `td["obs_mask"]` `[B * T, K]`, true for padding.

    Also writes the ints `_B_`, `_TT_` and `_BxTT_`.

    Quirks kept: K is the largest position at which padding begins, so rows without padding are cut where others have
    some (trap 40), and so are tokens behind a gap; padding at the start of every row means that all M are kept.
    """

    _remapping_active = False

    def __init__(self, obs_shape: Any, **cfg: Any) -> None:
        super().__init__(**cfg)
        self._obs_shape = obs_shape
        self._M = obs_shape[0]

    def _make_net(self) -> None:
        self._out_tensor_shape = [0, 3]

    def _forward(self, td: Blackboard) -> Blackboard:
        tokens = self._tokens(td)
        mask = tokens[..., 0] == PADDING
        kept = mask.int().argmax(dim=1).max()
        if kept == 0:
            kept = torch.tensor(self._most(tokens))
        columns = torch.arange(self._most(tokens), device=tokens.device) < kept
        td[str(self._name)], td["obs_mask"] = tokens[:, columns], mask[:, columns]
        return td

    def _tokens(self, td: Blackboard) -> Tensor:
        x: Tensor = td["x"]
        td["_B_"], td["_TT_"] = x.shape[0], x.shape[1] if x.dim() == 4 else 1
        td["_BxTT_"] = td["_B_"] * td["_TT_"]
        return rearrange(x, "b t m c -> (b t) m c") if x.dim() == 4 else x

    def _most(self, tokens: Tensor) -> int:
        return int(self._M)


class ObsTokenPadStrip0701(ObsTokenPadStrip):
    """From 2025-07-01: features may have other numbers than in training.

    Quirk kept: whether they are mapped stands outside of the state dict, the table inside (trap 32).
    """

    def __init__(self, obs_shape: Any, **cfg: Any) -> None:
        super().__init__(obs_shape, **cfg)
        self.feature_id_remap: Tensor
        self.register_buffer("feature_id_remap", torch.arange(NUM_IDS, dtype=torch.uint8))
        self._remapping_active = False

    def update_feature_remapping(self, table: Tensor) -> None:
        """Takes a table uint8 `[256]`, number here -> number in training; the identity switches it off."""
        self.register_buffer("feature_id_remap", table)
        self._remapping_active = not torch.equal(table, torch.arange(NUM_IDS, dtype=torch.uint8, device=table.device))

    def _tokens(self, td: Blackboard) -> Tensor:
        return self._remapped(super()._tokens(td))

    def _remapped(self, tokens: Tensor) -> Tensor:
        if self._remapping_active:
            tokens = tokens.clone()
            tokens[..., 1] = self.feature_id_remap[tokens[..., 1].long()]
        return tokens


class ObsTokenPadStripE8(ObsTokenPadStrip0701):
    """From 2025-08-07: reads `td["env_obs"]` `[N, M, 3]`, with any M, and writes no ints."""

    def __init__(self, obs_shape: Any, **cfg: Any) -> None:
        super().__init__(obs_shape, **cfg)
        del self._M

    def _tokens(self, td: Any) -> Tensor:
        return self._remapped(td["env_obs"])

    def _most(self, tokens: Tensor) -> int:
        return tokens.shape[1]
