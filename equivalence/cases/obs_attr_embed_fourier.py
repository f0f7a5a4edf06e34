"""`obs_attr_embed_fourier`: sizes of the vectors, and how many frequencies."""

from hypothesis import strategies as st

from equivalence.case import Case, Setup, Source, sizes

CASE = Case(
    setups=st.builds(
        lambda tokens, size, frequencies, era: Setup(
            {"attr_embed_dim": size, **frequencies},
            (Source("tokens", (0, 3), actual=(tokens, 3), tokens=True),),
            obs_shape=(200, 3),
            era=era,
        ),
        sizes(20),
        sizes(),
        st.fixed_dictionaries({}, optional={"num_freqs": sizes()}),
        st.sampled_from(("E6a", "E7b", "E8", "E10", "E11")),
    ),
    refused=(Setup({}, (Source("tokens", (0, 3), tokens=True),), obs_shape=(200, 3), era="E6a"),),
)
