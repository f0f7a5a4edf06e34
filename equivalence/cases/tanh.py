"""`tanh`: any shape."""

from hypothesis import strategies as st

from equivalence.case import Case, Setup, Source, sizes

CASE = Case(
    setups=st.lists(sizes(4), min_size=1, max_size=3).map(
        lambda shape: Setup({}, (Source("hidden", tuple(shape)),), era="E11")
    )
)
