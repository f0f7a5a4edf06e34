"""`obs_token_pad_strip`: lists of tokens with and without padding, which the draws of data decide."""

from hypothesis import strategies as st

from equivalence.case import Case, Setup

ERAS = ("E6a", "E6b", "2025-06-30", "2025-07-01", "E7b", "2025-08-07b", "2025-08-08", "E9", "E10", "E11")

CASE = Case(
    setups=st.builds(
        lambda tokens, era: Setup(obs_shape=(tokens, 3), era=era), st.integers(1, 40), st.sampled_from(ERAS)
    )
)
