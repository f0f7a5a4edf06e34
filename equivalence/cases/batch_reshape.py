"""`batch_reshape`: dimensions of size 1, which vanish; sources whose rows are more than the batch are not drawn.

What it announces is what its source does (trap 29), so that is the shape that is left of it.
"""

from hypothesis import strategies as st

from equivalence.case import SINCE_E4, Case, Setup, Source, in_eras

CASE = Case(
    setups=in_eras(
        st.integers(1, 3).map(lambda ndim: Setup({}, (Source("rows", (), actual=(1,) * ndim),))), SINCE_E4[:4]
    )
)
