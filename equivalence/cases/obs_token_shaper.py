"""`obs_token_shaper`: every version, lists of tokens and divisors of any length, numbers in any order."""

from hypothesis import strategies as st

from equivalence.case import Case, Setup, sizes

EARLY = ("E5a", "E5b", "2025-06-03", "2025-06-04", "2025-06-04b", "E5c", "2025-06-05", "2025-06-06", "E5d")
NUMBERS = st.lists(st.integers(0, 255), min_size=1, max_size=24, unique=True).map(tuple)

CASE = Case(
    setups=st.one_of(
        st.builds(
            lambda era, d, m, n: Setup({"atr_embed_dim": d}, obs_shape=(m, 3), era=era, features=tuple(range(n))),
            *(st.sampled_from(EARLY), sizes(), sizes(), st.integers(1, 24)),
        ),
        st.builds(
            lambda d, m, numbers: Setup({"atr_embed_dim": d}, obs_shape=(m, 3), era="E5e", features=numbers),
            *(sizes(), sizes(), NUMBERS),
        ),
    ),
    refused=(
        Setup({}, obs_shape=(5, 3), era="E5e"),
        Setup({"atr_embed_dim": 4}, obs_shape=(5, 3), era="E5e", features=(0, 256)),
        Setup({"atr_embed_dim": 4}, obs_shape=(5, 3), era="E5d", features=tuple(range(257))),
    ),
)
