"""`obs_attr_coord_embed`: sizes of the vectors."""

from hypothesis import strategies as st

from equivalence.case import Case, Setup, Source, sizes

CASE = Case(
    setups=st.builds(
        lambda tokens, size, era: Setup(
            {"attr_embed_dim": size},
            (Source("tokens", (0, 3), actual=(tokens, 3), tokens=True),),
            obs_shape=(200, 3),
            era=era,
        ),
        sizes(20),
        sizes(),
        st.sampled_from(("E6a", "E7b", "E8", "E10", "E11")),
    ),
    refused=(Setup({}, (Source("tokens", (0, 3), tokens=True),), obs_shape=(200, 3), era="E6a"),),
)
