"""`ObsTokenPadStripModule`: tokens without the padding behind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from modules.base import NUM_IDS, PADDING, BuildContext, MettaModule, Shape, num_observed_tokens, one_of
from modules.errors import ConfigError

# N batch times time, M tokens, K kept tokens
KEEP = ("longest_row", "longest_padded_row")


class ObsTokenPadStripModule(MettaModule):
    """`[N, M, 3]` tokens (cell, feature, value) -> `[N, K, 3]`, and a mask `[N, K]`, true for padding.

    K depends on the data, so this is the one layer whose `compute` waits for a value. Under `torch.compile`, K is at
    least 2 where M is, with the second token masked: the compiler cannot multiply by a matrix that may have one row.

    Args:
        keep: `longest_row` keeps every token that is no padding, at least one. `longest_padded_row` repeats what the
            old code did: K is the largest position at which padding begins, or M if that is 0, so rows without padding
            are cut where others have some (trap 40), and so are tokens behind a gap.
        remaps: whether features can get other numbers than in training, by a table in the buffer `feature_remap`.

    Attributes:
        remapping: whether the table is used; it belongs to the policy beside the table (trap 32).

    Raises:
        ConfigError: another `keep`.
    """

    fixed_in_keys = ("x",)
    fixed_out_keys = ("obs_mask",)
    feature_remap: Tensor

    def __init__(
        self,
        *,
        keep: str = "longest_row",
        remaps: bool = True,
        in_keys: Sequence[str] = ("x",),
        out_keys: Sequence[str] = ("output", "obs_mask"),
    ) -> None:
        one_of("keep", keep, KEEP)
        super().__init__(in_keys, out_keys)
        self.keep, self.remaps, self.remapping = keep, remaps, False
        self.saved_attributes = ("remapping",) if remaps else ()
        if remaps:
            self.register_buffer("feature_remap", torch.arange(NUM_IDS, dtype=torch.uint8))

    def remap_features(self, table: Tensor) -> None:
        """Takes a table uint8 `[256]`, number here -> number in training; the identity switches it off.

        Raises:
            ConfigError: "this component does not remap features ...", a table of another shape or type.
        """
        if not self.remaps:
            raise ConfigError("this component does not remap features: build it with remaps=True")
        if table.shape != (NUM_IDS,) or table.dtype != torch.uint8:
            raise ConfigError(f"a table must be uint8 [{NUM_IDS}], got {table.dtype} {list(table.shape)}")
        self.remapping = not torch.equal(table.cpu(), torch.arange(NUM_IDS, dtype=torch.uint8))
        self.feature_remap = table.to(self.feature_remap.device)

    def compute(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """`x` `[N, M, 3]` -> `[N, K, 3]`, `[N, K]`."""
        mask = x[..., 0] == PADDING
        if torch.compiler.is_compiling():
            kept, mask = self._traced(mask)
        else:
            kept = self._kept(mask)
        tokens = x[:, :kept].clone(memory_format=torch.contiguous_format)
        if self.remapping:
            tokens[..., 1] = self.feature_remap[tokens[..., 1].long()].to(tokens.dtype)
        return tokens, mask[:, :kept].clone(memory_format=torch.contiguous_format)

    def _kept(self, mask: Tensor) -> int:
        tokens = mask.shape[1]
        if self.keep == "longest_padded_row":
            return int(mask.int().argmax(dim=1).max()) or tokens
        ends = torch.arange(1, tokens + 1, device=mask.device) * (~mask).any(dim=0)
        return max(1, int(ends.max()))

    def _traced(self, mask: Tensor) -> tuple[int, Tensor]:
        """K as a compiler's symbol, at least 2 where M is, and the mask, which is true from the real K on.

        torch's C++ backend cannot multiply by a matrix that may have a single row.
        """
        tokens = mask.shape[1]
        positions = torch.arange(tokens, device=mask.device)
        if self.keep == "longest_padded_row":
            longest = mask.int().argmax(dim=1).max()
            longest = torch.where(longest == 0, tokens, longest)
        else:
            longest = ((positions + 1) * (~mask).any(dim=0)).max().clamp(min=1)
        least = min(2, tokens)
        kept = int(longest.clamp(min=least))
        torch._check(kept >= least)  # type: ignore[no-untyped-call]
        torch._check(kept <= tokens)  # type: ignore[no-untyped-call]
        return kept, mask | (positions >= longest)

    @classmethod
    def from_context(cls, context: BuildContext) -> dict[str, Any]:
        """Nothing but the checks of the observation.

        Raises:
            ConfigError: "reads the observation ...", "needs observations that are tokens ...".
        """
        num_observed_tokens(context)
        return {}

    @classmethod
    def output_shape(cls, in_shapes: tuple[Shape, ...], options: Mapping[str, Any]) -> Shape:
        """`(K, 3)`, K written as 0: it is not known before a pass."""
        return (0, 3)
