"""`obs_token_shaper`: every version, lists of tokens and divisors of any length, numbers in any order."""

from hypothesis import strategies as st

from equivalence.case import Case, Setup, sizes
from equivalence.mutant import Mutant
from equivalence.plants import calling, on_output
from equivalence.plants_shared import divisor_mutants, token_mutants

EARLY = ("E5a", "E5b", "2025-06-03", "2025-06-04", "2025-06-04b", "E5c", "2025-06-05", "2025-06-06", "E5d")
NUMBERS = st.lists(st.integers(0, 255), min_size=1, max_size=24, unique=True).map(tuple)


CASE = Case(
    setups=st.one_of(
        st.builds(
            lambda era, d, m, n: Setup({"atr_embed_dim": d}, obs_shape=(m, 3), era=era, features=tuple(range(n))),
            *(st.sampled_from(EARLY), sizes(), sizes(), st.integers(1, 24)),
        ),
        st.builds(
            lambda d, m, numbers: Setup({"atr_embed_dim": d}, obs_shape=(m, 3), era="E5e", features=numbers),
            *(sizes(), sizes(), NUMBERS),
        ),
    ),
    refused=(
        Setup({}, obs_shape=(5, 3), era="E5e"),
        Setup({"atr_embed_dim": 4}, obs_shape=(5, 3), era="E5e", features=(0, 256)),
        Setup({"atr_embed_dim": 4}, obs_shape=(5, 3), era="E5d", features=tuple(range(257))),
    ),
    host=Setup({"atr_embed_dim": 5}, obs_shape=(12, 3), era="E5e", features=(3, 0, 5, 8, 11, 2)),
    mutants=(
        *token_mutants(),
        *divisor_mutants(),
        Mutant(
            "cells not turned", calling("embedding", lambda right, i, w, **_: right(i % 16 * 16 + i // 16, w), at=1)
        ),
        Mutant("cells are not added", calling("embedding", lambda right, i, w, **_: 0 * right(i, w), at=1)),
        Mutant("the value first", on_output(lambda y: y.roll(1, -1))),
    ),
)
