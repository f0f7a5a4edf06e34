"""`obs_token_to_box_shaper`: windows that are not square, features with gaps, cells and features out of range."""

from __future__ import annotations

import torch
from hypothesis import strategies as st
from torch import Tensor

from equivalence.case import Case, Setup
from equivalence.mutant import Mutant, setting
from equivalence.plants import calling, on_input, on_output
from equivalence.plants_shared import token_mutants

IN_A_ROW = ("E5d", "2025-06-12")
NUMBERED = ("E5e", "E6a", "E7b", "2025-07-28", "2025-07-29", "2025-08-07b", "2025-08-08", "E9", "E10", "E11")


def _features(era: str) -> st.SearchStrategy[tuple[int, ...]]:
    """Numbers from 0 on, or any, as the era had them."""
    if era in IN_A_ROW:
        return st.integers(1, 30).map(lambda count: tuple(range(count)))
    return st.lists(st.integers(0, 40), min_size=1, max_size=30, unique=True).map(tuple)


SIDE = st.sampled_from([1, 2, 3, 5, 11, 16])


def _clamped(x: Tensor) -> Tensor:
    return torch.cat([x[..., :1], x[..., 1:2].clamp(max=5), x[..., 2:]], dim=-1)


CASE = Case(
    setups=st.sampled_from((*IN_A_ROW, *NUMBERED)).flatmap(
        lambda era: st.builds(
            lambda tokens, window, features: Setup(obs_shape=(tokens, 3), era=era, window=window, features=features),
            st.integers(1, 30),
            st.tuples(SIDE, SIDE) | st.just((16, 16)),
            _features(era),
        )
    ),
    errors=("is out of bounds for dimension",),
    host=Setup(obs_shape=(12, 3), era="2025-08-08", window=(6, 5), features=(0, 2, 3, 5)),
    mutants=(
        *token_mutants(),
        Mutant("padding erases nothing", setting(flat_scatter=False)),
        Mutant("repeated tokens add up", calling("scatter_", lambda _, x, *given: x.scatter_add_(*given))),
        Mutant(
            "the larger of repeated tokens", calling("scatter_", lambda _, x, *given: x.scatter_reduce_(*given, "amax"))
        ),
        Mutant("unknown features count as the last one", on_input(_clamped)),
        Mutant("a feature less", on_output(lambda y: y[:, :-1])),
        Mutant("height and width of the window exchanged", on_output(lambda y: y.reshape(-1, 6, 5, 6))),
        Mutant("values divided", on_output(lambda y: y / 255)),
    ),
)
