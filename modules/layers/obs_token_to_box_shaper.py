"""`ObsTokenToBoxShaperModule`: tokens spread over a box of cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from modules.base import PADDING, BuildContext, MettaModule, Shape, num_observed_tokens, one_of, positive
from modules.errors import ConfigError

# N batch times time, M tokens, L features, W obs_width, H obs_height
UNKNOWN_FEATURES = ("drop", "error")


class ObsTokenToBoxShaperModule(MettaModule):
    """`[N, M, 3]` tokens (cell, feature, value) -> `[N, L, W, H]` float32; of equal tokens the last one wins.

    A cell is `row * 16 + column`; 255 is padding. Rows are bounded by the width and columns by the height, as in the
    old stack, which called the row x. A cell beyond the window is an `IndexError`.

    Args:
        num_features: L.
        obs_width: W.
        obs_height: H.
        unknown_features: `drop` tokens whose feature is L or more, in silence, or raise an `error`, an `IndexError`.
        flat_scatter: repeats what the old code did from 2025-08-08 on: padding and dropped tokens write 0 at feature 0,
            cell (0, 0), and erase what stands there; a cell beyond the window is another row's or feature's (trap 37).

    Raises:
        ConfigError: a size that is not positive, another `unknown_features`, `flat_scatter` with `error`.
    """

    fixed_in_keys = ("x",)
    io_sizes = ("num_features", "obs_width", "obs_height")

    def __init__(
        self,
        num_features: int,
        obs_width: int,
        obs_height: int,
        *,
        unknown_features: str = "drop",
        flat_scatter: bool = False,
        in_keys: Sequence[str] = ("x",),
        out_keys: Sequence[str] = ("output",),
    ) -> None:
        positive(num_features=num_features, obs_width=obs_width, obs_height=obs_height)
        one_of("unknown_features", unknown_features, UNKNOWN_FEATURES)
        if flat_scatter and unknown_features != "drop":
            raise ConfigError(f"flat_scatter drops unknown features, but unknown_features is {unknown_features!r}")
        super().__init__(in_keys, out_keys)
        self.num_features, self.obs_width, self.obs_height = num_features, obs_width, obs_height
        self.unknown_features, self.flat_scatter = unknown_features, flat_scatter

    def compute(self, x: Tensor) -> Tensor:
        """`x` `[N, M, 3]` -> `[N, L, W, H]`."""
        cell = x[..., 0].to(torch.uint8)
        row, column = (cell >> 4 & 0x0F).long(), (cell & 0x0F).long()
        feature, value = x[..., 1].long(), x[..., 2].float()
        valid = cell != PADDING
        if self.unknown_features == "drop":
            valid = valid & (feature < self.num_features)
        return (self._scattered if self.flat_scatter else self._placed)(valid, feature, row, column, value)

    def _placed(self, valid: Tensor, feature: Tensor, row: Tensor, column: Tensor, value: Tensor) -> Tensor:
        # One box more, for all that is not valid: no number of tokens has to be known.
        rows = value.shape[0]
        boxes = value.new_zeros(rows + 1, self.num_features, self.obs_width, self.obs_height)
        number = torch.arange(rows, device=value.device).unsqueeze(-1).expand_as(feature)
        number = torch.where(valid, number, rows)
        feature, row, column = (torch.where(valid, index, 0) for index in (feature, row, column))
        boxes[number, feature, row, column] = value
        return boxes[:rows]

    def _scattered(self, valid: Tensor, feature: Tensor, row: Tensor, column: Tensor, value: Tensor) -> Tensor:
        cells = self.obs_width * self.obs_height
        index = torch.where(valid, feature * cells + (row * self.obs_height + column), 0)
        flat = value.new_zeros(value.shape[0], self.num_features * cells)
        flat.scatter_(1, index, torch.where(valid, value, 0.0))
        return flat.view(-1, self.num_features, self.obs_width, self.obs_height)

    @classmethod
    def from_context(cls, context: BuildContext) -> dict[str, Any]:
        """The window, and as many features as the largest number of one asks for.

        Raises:
            ConfigError: "reads the observation ...", "needs observations ...", "needs an environment ...".
        """
        num_observed_tokens(context)
        if not context.feature_ids:
            raise ConfigError("needs an environment with numbered features, got none")
        window = {"obs_width": context.obs_width, "obs_height": context.obs_height}
        return {"num_features": max(context.feature_ids) + 1, **window}

    @classmethod
    def output_shape(cls, in_shapes: tuple[Shape, ...], options: Mapping[str, Any]) -> Shape:
        """`(L, W, H)`."""
        return (options["num_features"], options["obs_width"], options["obs_height"])
