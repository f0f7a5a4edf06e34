"""`batch_reshape`: dimensions of size 1, which vanish; sources whose rows are more than the batch are not drawn.

What it announces is what its source does (trap 29), so that is the shape that is left of it.
"""

from hypothesis import strategies as st

from equivalence.case import SINCE_E4, Case, Setup, Source, in_eras
from equivalence.mutant import Mutant, computing, setting
from equivalence.plants import on_input, on_output

CASE = Case(
    setups=in_eras(
        st.integers(1, 3).map(lambda ndim: Setup({}, (Source("rows", (), actual=(1,) * ndim),))), SINCE_E4[:4]
    ),
    host=Setup({}, (Source("rows", (3, 4)),)),
    mutants=(
        Mutant("nothing is squeezed", setting(squeezes=False)),
        Mutant("only the new dimension is squeezed", computing(lambda _, __, rows, ___: rows)),
        Mutant("numbers in another order", on_output(lambda y: y.transpose(-1, -2).reshape(y.shape))),
        Mutant("rows in reverse", on_input(lambda rows: rows.flip(0))),
    ),
)
