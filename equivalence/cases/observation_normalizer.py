"""`observation_normalizer`: as many divisors as features."""

from hypothesis import strategies as st

from equivalence.case import EVER, Case, Setup, Source, in_eras, sizes

BOXES = st.builds(
    lambda h, w, f: Setup({}, (Source("_obs_", (f, h, w)),), obs_shape=(h, w, f)), sizes(4), sizes(4), sizes(6)
)

CASE = Case(setups=in_eras(BOXES, (*EVER, "E5a", "E5b", "E5d")))
