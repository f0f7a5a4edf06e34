"""`identity`: any shape."""

import torch

from equivalence.case import Case, Setup, Source, any_shape, in_eras
from equivalence.mutant import Mutant
from equivalence.plants import instead
from equivalence.plants_shared import wrong_function

CASE = Case(
    setups=in_eras(any_shape().map(lambda source: Setup({}, source))),
    host=Setup({}, (Source("hidden", (3, 4)),)),
    mutants=(
        wrong_function("an activation", torch.relu),
        wrong_function("a limit", lambda x: x.clamp(-1, 1)),
        wrong_function("flat", lambda x: x.flatten(1)),
        wrong_function("a zero", lambda x: x * 0),
        Mutant(
            "a copy",
            instead(lambda _, x: x.clone()),
            equivalent="nobody writes into it, and a copy has the same strides",
        ),
    ),
)
