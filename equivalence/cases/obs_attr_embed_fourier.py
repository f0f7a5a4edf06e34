"""`obs_attr_embed_fourier`: sizes of the vectors, and how many frequencies."""

import torch
from hypothesis import strategies as st

from equivalence.case import Case, Setup, Source, sizes
from equivalence.mutant import Mutant
from equivalence.plants import on_output, on_tensor, overriding
from equivalence.plants_shared import embedding_mutants, token_mutants

SINE_FIRST = (*range(9, 13), *range(5, 9), *range(17, 21), *range(13, 17))
"""Columns of the waves, four frequencies each, of row and column."""


CASE = Case(
    setups=st.builds(
        lambda tokens, size, frequencies, era: Setup(
            {"attr_embed_dim": size, **frequencies},
            (Source("tokens", (0, 3), actual=(tokens, 3), tokens=True),),
            obs_shape=(200, 3),
            era=era,
        ),
        sizes(20),
        sizes(),
        st.fixed_dictionaries({}, optional={"num_freqs": sizes()}),
        st.sampled_from(("E6a", "E7b", "E8", "E10", "E11")),
    ),
    refused=(Setup({}, (Source("tokens", (0, 3), tokens=True),), obs_shape=(200, 3), era="E6a"),),
    host=Setup(
        {"attr_embed_dim": 5, "num_freqs": 4},
        (Source("tokens", (0, 3), actual=(12, 3), tokens=True),),
        obs_shape=(12, 3),
        era="E7b",
    ),
    mutants=(
        *token_mutants(),
        *embedding_mutants(at=0),
        Mutant("frequencies one power on", on_tensor("frequencies", lambda f: f * 2)),
        Mutant("frequencies in a row", on_tensor("frequencies", lambda f: torch.arange(1.0, len(f) + 1))),
        Mutant("sine before cosine", on_output(lambda y: y[..., [*range(5), *SINE_FIRST, 21]])),
        Mutant("positions from 0 on", overriding("_angles", lambda _, m, p: (p / 10.0).unsqueeze(-1) * m.frequencies)),
        Mutant("eleven steps", overriding("_angles", lambda right, _, p: right(p * (10 / 11)))),
        Mutant("waves of whole turns", overriding("_angles", lambda right, _, p: right(p) * torch.pi)),
        Mutant("values divided", on_output(lambda y: torch.cat([y[..., :-1], y[..., -1:] / 255], dim=-1))),
    ),
)
