"""`bilinear`: two vectors, sizes, bias."""

from hypothesis import strategies as st

from equivalence.case import SINCE_E4, Case, Setup, Source, in_eras, sizes

CASE = Case(
    setups=in_eras(
        st.builds(
            lambda first, second, params: Setup(
                {"nn_params": params}, (Source("left", (first,)), Source("right", (second,)))
            ),
            sizes(),
            sizes(),
            st.fixed_dictionaries({"out_features": sizes()}, optional={"bias": st.booleans()}),
        ),
        SINCE_E4,
    ),
    refused=(
        Setup({"nn_params": {"out_features": 3}}, (Source("left", (2,)),)),
        Setup({"nn_params": {}}, (Source("left", (2,)), Source("right", (2,)))),
    ),
)
