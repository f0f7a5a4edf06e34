"""`flatten`: one to three dimensions."""

from equivalence.case import Case, Setup, Source, any_shape, in_eras
from equivalence.mutant import Mutant
from equivalence.plants import calling, on_input, on_output

CASE = Case(
    setups=in_eras(any_shape().map(lambda source: Setup({}, source))),
    host=Setup({}, (Source("hidden", (3, 4)),)),
    mutants=(
        Mutant("the last dimension first", on_input(lambda x: x.transpose(1, 2))),
        Mutant("one dimension stays", calling("flatten", lambda right, x, dim: right(x, dim + 1))),
        Mutant("the batch, too", calling("flatten", lambda right, x, dim: right(x, dim - 1))),
        Mutant("in reverse", on_output(lambda y: y.flip(-1))),
    ),
)
