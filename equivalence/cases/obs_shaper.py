"""`obs_shaper`: observations of any size, not only square ones."""

from hypothesis import strategies as st

from equivalence.case import Case, Setup, sizes

CASE = Case(setups=st.builds(lambda h, w, f: Setup(obs_shape=(h, w, f)), sizes(), sizes(), sizes()))
