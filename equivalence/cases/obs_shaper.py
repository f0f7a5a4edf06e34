"""`obs_shaper`: observations of any size, not only square ones."""

from hypothesis import strategies as st

from equivalence.case import EVER, Case, Setup, in_eras, sizes

BOXES = st.builds(lambda h, w, f: Setup(obs_shape=(h, w, f)), sizes(), sizes(), sizes())

CASE = Case(setups=in_eras(BOXES, EVER[:7]))
