"""`add_merge`: one to three sources of one shape, whole or in slices of one length, some of them listed twice."""

from equivalence.case import Case, Setup, Source, alike

CASE = Case(
    setups=alike(1, 3).map(lambda sources: Setup({}, sources)),
    refused=(
        Setup({}, (Source("a", (3,)), Source("b", (4,)))),
        Setup({}, (Source("a", (3,), {"slice": [0, 2]}),)),
        Setup({}, ()),
    ),
)
