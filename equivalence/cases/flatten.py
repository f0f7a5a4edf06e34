"""`flatten`: one to three dimensions; early configs may say the size of the output."""

import math

from equivalence.case import EARLY, Case, Setup, Source, any_shape, in_eras
from equivalence.mutant import Mutant
from equivalence.plants import calling, on_input, on_output


def _sized(source: tuple[Source, ...]) -> Setup:
    return Setup({"output_size": math.prod(source[0].shape)}, source)


CASE = Case(
    setups=in_eras(any_shape().map(lambda source: Setup({}, source))) | in_eras(any_shape().map(_sized), EARLY),
    host=Setup({}, (Source("hidden", (3, 4)),)),
    mutants=(
        Mutant("the last dimension first", on_input(lambda x: x.transpose(1, 2))),
        Mutant("one dimension stays", calling("flatten", lambda right, x, dim: right(x, dim + 1))),
        Mutant("the batch, too", calling("flatten", lambda right, x, dim: right(x, dim - 1))),
        Mutant("in reverse", on_output(lambda y: y.flip(-1))),
    ),
)
