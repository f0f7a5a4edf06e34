"""`mean_merge`: one to three sources of one shape, whole or in slices of one length, some of them listed twice."""

from equivalence.case import LOST_SOURCES, SINCE_E4, Case, Setup, Source, alike, in_eras

CASE = Case(
    setups=in_eras(alike(1, 3).map(lambda sources: Setup({}, sources)), ("E1", *SINCE_E4)),
    refused=(
        Setup({}, (Source("a", (3,)), Source("b", (4,)))),
        Setup({}, (Source("a", (3,), {"slice": [0, 2]}),)),
        Setup({}, ()),
    ),
    gaps=(LOST_SOURCES,),
)
