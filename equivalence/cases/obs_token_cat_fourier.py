"""`obs_token_cat_fourier`: widths, frequencies, lists of tokens and divisors of any length."""

import torch
from hypothesis import strategies as st

from equivalence.case import Case, Setup, sizes
from equivalence.mutant import Mutant, setting
from equivalence.plants import on_tensor, overriding
from equivalence.plants_shared import divisor_mutants, token_mutants

OPTIONS = st.fixed_dictionaries({"atr_embed_dim": sizes()}, optional={"num_freqs": sizes(6)})


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
        Setup({}, obs_shape=(5, 3), era="E5e"),
        Setup({"atr_embed_dim": 4}, obs_shape=(5, 3), era="E5e", features=(0, 256)),
    ),
    host=Setup({"atr_embed_dim": 5, "num_freqs": 4}, obs_shape=(12, 3), era="E5e", features=(3, 0, 5, 8, 11, 2)),
    mutants=(
        *token_mutants(),
        *divisor_mutants(),
        Mutant("frequencies one power on", on_tensor("frequencies", lambda f: f * 2)),
        Mutant("frequencies in a row", on_tensor("frequencies", lambda f: torch.arange(1.0, len(f) + 1))),
        Mutant("sine before cosine", overriding("_waves", lambda right, _, coordinate: right(coordinate)[::-1])),
        Mutant("a cell more", setting(cells=12)),
        Mutant("waves of whole turns", overriding("_waves", lambda right, _, c: right(5 + (c - 5) * torch.pi))),
    ),
)
