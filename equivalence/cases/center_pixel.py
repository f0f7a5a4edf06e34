"""`center_pixel`: odd and even sides."""

from hypothesis import strategies as st

from equivalence.case import SINCE_E4, Case, Setup, Source, in_eras, sizes

IMAGES = st.builds(lambda c, h, w: Setup({}, (Source("image", (c, h, w)),)), sizes(4), sizes(6), sizes(6))

CASE = Case(setups=in_eras(IMAGES, SINCE_E4))
