"""`obs_token_rope`: widths that 4 divides, bases, lists of tokens and divisors of any length."""

from hypothesis import strategies as st

from equivalence.case import Case, Setup, sizes

OPTIONS = st.fixed_dictionaries(
    {"atr_embed_dim": sizes(5).map(lambda n: 4 * n)}, optional={"rope_base": st.sampled_from([10000.0, 10000, 7.5])}
)

CASE = Case(
    setups=st.builds(
        lambda options, m, later: Setup(options, obs_shape=(m, 3), era=later[0], features=later[1]),
        OPTIONS,
        sizes(),
        st.one_of(
            st.tuples(st.just("E5d"), st.integers(1, 24).map(lambda n: tuple(range(n)))),
            st.tuples(st.just("E5e"), st.lists(st.integers(0, 255), min_size=1, unique=True).map(tuple)),
        ),
    ),
    refused=(
        Setup({"atr_embed_dim": 6}, obs_shape=(5, 3), era="E5e"),
        Setup({"atr_embed_dim": 4}, obs_shape=(5, 3), era="E5e", features=(0, 256)),
    ),
)
