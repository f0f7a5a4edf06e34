"""`concat_merge`: one to three sources, vectors or images, whole or in slices, along dim 1."""

from typing import Any

from hypothesis import strategies as st

from equivalence.case import LOST_SOURCES, SINCE_E4, Case, Setup, Source, in_eras, sizes
from equivalence.mutant import Mutant
from equivalence.plants import calling, changing
from equivalence.plants_shared import merge_mutants


@st.composite
def _setups(draw: st.DrawFn, *, always_dim: bool = False) -> Setup:
    """Sources whose `dim`, which is not the same in all eras where it is missing, may be or is written out."""
    rest = tuple(draw(st.lists(sizes(3), max_size=2)))
    sources = []
    for i in range(draw(st.integers(1, 3))):
        length = draw(sizes(6))
        extra: dict[str, Any] = {}
        if draw(st.booleans()):
            start = draw(st.integers(0, length - 1))
            extra = {"slice": [start, draw(st.integers(start + 1, length))], "dim": 1}
        elif always_dim or draw(st.booleans()):
            extra = {"dim": 1}
        sources.append(Source(f"part_{i}", (length, *rest), extra))
    return Setup({}, tuple(sources))


CASE = Case(
    setups=st.one_of(in_eras(_setups(), SINCE_E4), in_eras(_setups(always_dim=True), ("E1",))),
    refused=(
        Setup({}, (Source("a", (3,), {"slice": [0, 2]}),)),
        Setup({}, (Source("a", (3,), {"slice": [0, 1, 2], "dim": 1}),)),
        Setup({}, (Source("a", (3, 2), {"dim": 1}), Source("b", (3, 2), {"dim": 2}))),
    ),
    gaps=(LOST_SOURCES,),
    host=Setup(
        {},
        (
            Source("part_0", (6, 9), {"slice": [1, 3], "dim": 1}),
            Source("part_1", (7, 9), {"slice": [2, 6], "dim": 1}),
            Source("part_2", (8, 9), {"slice": [4, 6], "dim": 1}),
        ),
    ),
    mutants=(
        *merge_mutants(),
        Mutant("sources in reverse", calling("cat", lambda right, parts, dim: right(parts[::-1], dim=dim))),
        Mutant(
            "the first source last", calling("cat", lambda right, parts, dim: right([*parts[1:], parts[0]], dim=dim))
        ),
        Mutant("slices from the end", changing("slices", lambda slices: ((4, 6), *slices[1:]))),
    ),
)
