"""`lstm`: layers and sizes; the state comes with the draw."""

from hypothesis import strategies as st

from equivalence.case import Case, Setup, sizes, vector

CASE = Case(
    setups=st.builds(
        lambda source, hidden, params: Setup({"output_size": hidden, "nn_params": params}, source),
        vector(),
        sizes(),
        st.fixed_dictionaries({"num_layers": st.integers(1, 3)}, optional={"bias": st.booleans()}),
    )
)
