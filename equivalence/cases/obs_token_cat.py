"""`obs_token_cat`: both widths, lists of tokens and divisors of any length, numbers in any order."""

from hypothesis import strategies as st

from equivalence.case import Case, Setup, sizes
from equivalence.mutant import Mutant
from equivalence.plants import calling
from equivalence.plants_shared import divisor_mutants, token_mutants

OPTIONS = st.fixed_dictionaries({"atr_embed_dim": sizes(), "coord_embed_dim": sizes()})


CASE = Case(
    setups=st.builds(
        lambda options, m, later: Setup(options, obs_shape=(m, 3), era=later[0], features=later[1]),
        OPTIONS,
        sizes(),
        st.one_of(
            st.tuples(st.just("E5d"), st.integers(1, 24).map(lambda n: tuple(range(n)))),
            st.tuples(st.just("E5e"), st.lists(st.integers(0, 255), min_size=1, unique=True).map(tuple)),
        ),
    ),
    refused=(
        Setup({"atr_embed_dim": 4}, obs_shape=(5, 3), era="E5e"),
        Setup({"atr_embed_dim": 4, "coord_embed_dim": 2}, obs_shape=(5, 3), era="E5e", features=(0, 256)),
    ),
    host=Setup({"atr_embed_dim": 5, "coord_embed_dim": 4}, obs_shape=(12, 3), era="E5e", features=(3, 0, 5, 8, 11, 2)),
    mutants=(
        *token_mutants(),
        *divisor_mutants(),
        Mutant(
            "cells not turned", calling("embedding", lambda right, i, w, **_: right(i % 16 * 16 + i // 16, w), at=1)
        ),
        Mutant(
            "the cell before the feature",
            calling("cat", lambda right, parts, dim: right([parts[i] for i in (1, 0, 2)], dim=dim)),
        ),
    ),
)
