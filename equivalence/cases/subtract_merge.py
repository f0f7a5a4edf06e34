"""`subtract_merge`: two sources of one shape, whole or in slices of one length, perhaps the same one twice."""

import torch

from equivalence.case import LOST_SOURCES, SINCE_E4, Case, Setup, Source, alike, in_eras
from equivalence.mutant import Mutant, computing
from equivalence.plants import on_output
from equivalence.plants_shared import merge_mutants

CASE = Case(
    setups=in_eras(alike(2, 2).map(lambda sources: Setup({}, sources)), ("E1", *SINCE_E4)),
    refused=(
        Setup({}, (Source("a", (3,)), Source("b", (4,)))),
        Setup({}, (Source("a", (3,)), Source("b", (3,), {"slice": [0, 1, 2], "dim": 1}))),
    ),
    gaps=(LOST_SOURCES,),
    host=Setup(
        {},
        (
            Source("a", (5, 6), {"slice": [1, 4], "dim": 1}),
            Source("b", (5, 6), {"slice": [2, 5], "dim": 1}),
        ),
    ),
    mutants=(
        *merge_mutants(),
        Mutant("the first from the second", on_output(torch.neg)),
        Mutant("the distance", on_output(torch.abs)),
        Mutant("the sum", computing(lambda right, _, a, b: right(a, -b))),
    ),
)
