"""`linear`: sizes, bias, every initialisation and nonlinearity."""

from hypothesis import strategies as st

from equivalence.case import BIAS, SINCE_E4, Case, Setup, Source, early_weights, in_eras, sizes, vector, weight_options

LATE = st.builds(
    lambda source, params, options, clip_range: Setup({"nn_params": params, **options}, source, clip_range=clip_range),
    vector(),
    st.fixed_dictionaries({"out_features": sizes()}, optional={"bias": st.booleans()}),
    weight_options(),
    st.sampled_from([0, 1.0]),
)

CASE = Case(
    setups=st.one_of(in_eras(LATE, SINCE_E4), early_weights(vector(), BIAS)),
    refused=(
        Setup({"nn_params": {"out_features": 3}}, (Source("image", (2, 3, 3)),)),
        Setup({"nn_params": {"out_features": 3}, "nonlinearity": "ReLU"}, (Source("hidden", (2,)),)),
        Setup({"nn_params": {"out_features": 3}, "nonlinearity": "nn.NoSuchThing"}, (Source("hidden", (2,)),)),
        Setup({"nn_params": {"out_features": 3}, "initialization": "zeros"}, (Source("hidden", (2,)),)),
        Setup({"nn_params": {}}, (Source("hidden", (2,)),)),
    ),
)
