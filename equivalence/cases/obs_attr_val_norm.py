"""`obs_attr_val_norm`: features with and without gaps between their numbers."""

from hypothesis import strategies as st

from equivalence.case import Case, Setup, Source

ERAS = ("E6a", "E6c", "E7b", "E8", "E9", "E10", "E11")

CASE = Case(
    setups=st.builds(
        lambda tokens, features, era: Setup(
            {},
            (Source("tokens", (0, 3), actual=(tokens, 3), tokens=True),),
            obs_shape=(200, 3),
            era=era,
            features=tuple(features),
        ),
        st.integers(1, 30),
        st.lists(st.integers(0, 255), min_size=1, max_size=40, unique=True) | st.integers(1, 40).map(range),
        st.sampled_from(ERAS),
    )
)
