"""`obs_token_pad_strip`: lists of tokens with and without padding, which the draws of data decide."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from torch import Tensor

from equivalence.case import Case, Setup
from equivalence.mutant import Mutant, computing, setting
from equivalence.plants import overriding

ERAS = ("E6a", "E6b", "2025-06-30", "2025-07-01", "E7b", "2025-08-07b", "2025-08-08", "E9", "E10", "E11")


def _turn_mask(right: Callable[..., Any], _: Any, x: Tensor) -> Any:
    tokens, mask = right(x)
    return tokens, ~mask


CASE = Case(
    setups=st.builds(
        lambda tokens, era: Setup(obs_shape=(tokens, 3), era=era), st.integers(1, 40), st.sampled_from(ERAS)
    ),
    host=Setup(obs_shape=(12, 3), era="E7b"),
    mutants=(
        Mutant("nothing is stripped", overriding("_kept", lambda _, __, mask: mask.shape[1])),
        Mutant("a token less", overriding("_kept", lambda right, _, mask: max(1, right(mask) - 1))),
        Mutant(
            "as long as the shortest row",
            overriding("_kept", lambda _, __, mask: int(mask.int().argmax(1).min()) or 12),
        ),
        Mutant("the right length", setting(keep="longest_row")),
        Mutant("padding by its feature", computing(lambda right, _, x: right(x[..., [1, 0, 2]]))),
        Mutant("the mask turned around", computing(_turn_mask)),
        Mutant("features get other numbers", setting(remapping=True), level="attributes"),
    ),
)
