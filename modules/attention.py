"""What the layers that attend to tokens share: the size of a token, the mask, the heads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from modules.module import MettaModule
from modules.shapes import BuildContext, only_source

# N batch times time, M tokens, D size of a token, A heads, E size of a head


class TokenAttentionModule(MettaModule):
    """Reads tokens `[N, M, D]` of one source and, if it uses it, the mask `[N, M]`; layers say what they compute.

    The first of their `io_sizes` is D.

    Args:
        use_mask: whether masked tokens are not attended to.
        in_keys: of tokens and mask; `input`, and `obs_mask` with `use_mask`, if not given.
        out_keys: of the output.
    """

    num_heads: int = 1
    """A; layers that divide tokens among heads say how many."""

    def __init__(self, use_mask: bool, in_keys: Sequence[str] | None, out_keys: Sequence[str]) -> None:
        super().__init__(in_keys or ("input", *self.in_keys_for({"use_mask": use_mask})), out_keys)
        self.use_mask = use_mask

    @classmethod
    def from_context(cls, context: BuildContext) -> dict[str, Any]:
        """D, off the source, which must be tokens."""
        return {cls.io_sizes[0]: only_source(context, ndim=2)[1]}

    @classmethod
    def in_keys_for(cls, options: Mapping[str, Any]) -> tuple[str, ...]:
        """The mask, if it is used."""
        return ("obs_mask",) if options.get("use_mask") else ()

    def _by_head(self, x: Tensor) -> Tensor:
        """`[N, M, A * E]` -> `[N, A, M, E]`."""
        return x.reshape(*x.shape[:2], self.num_heads, x.shape[2] // self.num_heads).transpose(1, 2)
