"""`layer_norm`: vectors, with the options of `nn.LayerNorm`."""

from hypothesis import strategies as st

from equivalence.case import SINCE_E4, Case, Setup, in_eras, vector

CASE = Case(
    setups=in_eras(
        st.builds(
            lambda source, params: Setup({"nn_params": params} if params else {}, source),
            vector(),
            st.fixed_dictionaries(
                {},
                optional={
                    "eps": st.sampled_from([1e-5, 1e-3]),
                    "elementwise_affine": st.booleans(),
                    "bias": st.booleans(),
                },
            ),
        ),
        SINCE_E4,
    )
)
