"""`center_pixel`: odd and even sides."""

from hypothesis import strategies as st

from equivalence.case import Case, Setup, Source, sizes

CASE = Case(setups=st.builds(lambda c, h, w: Setup({}, (Source("image", (c, h, w)),)), sizes(4), sizes(6), sizes(6)))
