"""`observation_normalizer`: as many divisors as features."""

import torch
from hypothesis import strategies as st

from equivalence.case import EVER, Case, Setup, Source, in_eras, sizes
from equivalence.mutant import Mutant, computing
from equivalence.plants import instead, on_tensor, with_tensors

BOXES = st.builds(
    lambda h, w, f: Setup({}, (Source("_obs_", (f, h, w)),), obs_shape=(h, w, f)), sizes(4), sizes(4), sizes(6)
)


CASE = Case(
    setups=in_eras(BOXES, (*EVER, "E5a", "E5b", "E5d")),
    host=Setup({}, (Source("_obs_", (6, 4, 5)),), obs_shape=(4, 5, 6)),
    mutants=(
        Mutant("divisors one feature on", with_tensors(lambda _, d: d.roll(1, 1))),
        Mutant("divisors in the order of their size", with_tensors(lambda _, d: d.sort(1).values)),
        Mutant("a wrong constant", on_tensor("obs_norm", lambda d: d + (torch.arange(6).view(1, -1, 1, 1) == 3))),
        Mutant("255 for all", with_tensors(lambda _, d: torch.full_like(d, 255))),
        Mutant("times the reciprocal", instead(lambda m, x: x * (1 / m.obs_norm))),
        Mutant("nothing is divided", instead(lambda _, x: x)),
        Mutant("divided twice", computing(lambda right, _, x: right(right(x)))),
    ),
)
