"""`layer_norm`: vectors, with the options of `nn.LayerNorm`."""

from hypothesis import strategies as st

from equivalence.case import Case, Setup, vector

CASE = Case(
    setups=st.builds(
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
    )
)
