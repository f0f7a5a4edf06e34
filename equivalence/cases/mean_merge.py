"""`mean_merge`: one to three sources of one shape, whole or in slices of one length, some of them listed twice."""

from functools import reduce
from operator import add

from equivalence.case import LOST_SOURCES, SINCE_E4, Case, Setup, Source, alike, in_eras
from equivalence.mutant import Mutant
from equivalence.plants import instead, on_inputs, on_output
from equivalence.plants_shared import merge_mutants
from modules.base import narrowed

CASE = Case(
    setups=in_eras(alike(1, 3).map(lambda sources: Setup({}, sources)), ("E1", *SINCE_E4)),
    refused=(
        Setup({}, (Source("a", (3,)), Source("b", (4,)))),
        Setup({}, (Source("a", (3,), {"slice": [0, 2]}),)),
        Setup({}, ()),
    ),
    gaps=(LOST_SOURCES,),
    host=Setup(
        {},
        (
            Source("a", (5, 6), {"slice": [1, 3], "dim": 1}),
            Source("b", (5, 6), {"slice": [3, 5], "dim": 1}),
            Source("c", (5, 6), {"slice": [0, 2], "dim": 1}),
        ),
    ),
    mutants=(
        *merge_mutants(),
        Mutant(
            "added from the right", instead(lambda m, *x: reduce(add, narrowed(x[::-1], m.slices[::-1], m.dim)) / 3)
        ),
        Mutant("the sum for the mean", on_output(lambda y: y * 3)),
        Mutant("divided by one less", on_output(lambda y: y * 3 / 2)),
        Mutant("each divided before it is added", on_inputs(lambda *x: [each / 3 for each in x])),
        Mutant("times a third", instead(lambda m, *x: reduce(add, narrowed(x, m.slices, m.dim)) * (1 / 3))),
    ),
)
