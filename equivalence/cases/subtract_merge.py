"""`subtract_merge`: two sources of one shape, whole or in slices of one length, perhaps the same one twice."""

from equivalence.case import Case, Setup, Source, alike

CASE = Case(
    setups=alike(2, 2).map(lambda sources: Setup({}, sources)),
    refused=(
        Setup({}, (Source("a", (3,)), Source("b", (4,)))),
        Setup({}, (Source("a", (3,)), Source("b", (3,), {"slice": [0, 1, 2], "dim": 1}))),
    ),
)
