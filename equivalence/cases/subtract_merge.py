"""`subtract_merge`: two sources of one shape, whole or in slices of one length, perhaps the same one twice."""

from equivalence.case import LOST_SOURCES, SINCE_E4, Case, Setup, Source, alike, in_eras

CASE = Case(
    setups=in_eras(alike(2, 2).map(lambda sources: Setup({}, sources)), ("E1", *SINCE_E4)),
    refused=(
        Setup({}, (Source("a", (3,)), Source("b", (4,)))),
        Setup({}, (Source("a", (3,)), Source("b", (3,), {"slice": [0, 1, 2], "dim": 1}))),
    ),
    gaps=(LOST_SOURCES,),
)
