"""`observation_normalizer`: as many divisors as features."""

from hypothesis import strategies as st

from equivalence.case import Case, Setup, Source, sizes

CASE = Case(
    setups=st.builds(
        lambda h, w, f: Setup({}, (Source("_obs_", (f, h, w)),), obs_shape=(h, w, f)), sizes(4), sizes(4), sizes(6)
    )
)
