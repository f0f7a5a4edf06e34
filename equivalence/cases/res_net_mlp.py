"""`res_net_mlp`: one to three blocks, on vectors, and on rows of vectors as many as they are wide."""

from hypothesis import strategies as st

from equivalence.case import Case, Setup, Source, in_eras, sizes

ERAS = ("2025-07-05", "E7b", "E8", "E10", "E11")

CASE = Case(
    setups=in_eras(
        st.builds(
            lambda size, ndim, blocks: Setup({"depth": 4 * blocks}, (Source("hidden", (size,) * ndim),)),
            sizes(),
            st.integers(1, 2),
            st.integers(1, 3),
        ),
        ERAS,
    ),
    refused=tuple(Setup({"depth": 6}, (Source("hidden", (2,)),), era=era) for era in ERAS),
)
