"""`lstm`: layers and sizes, with a state of the caller's or a memory of its own; the state comes with the draw."""

from hypothesis import strategies as st

from equivalence.case import EVER, Case, Setup, in_eras, sizes, vector

LAYERS = st.fixed_dictionaries({"num_layers": st.integers(1, 3)}, optional={"bias": st.booleans()})
WITH_STATE = st.builds(
    lambda source, hidden, params: Setup({"output_size": hidden, "nn_params": params}, source),
    vector(),
    sizes(),
    LAYERS,
)
WITH_MEMORY = st.builds(
    lambda source, hidden, params: Setup({"nn_params": {"hidden_size": hidden, **params}}, source),
    vector(),
    sizes(),
    LAYERS,
)

CASE = Case(setups=st.one_of(in_eras(WITH_STATE, EVER[:9]), in_eras(WITH_MEMORY, ("2025-08-13", *EVER[9:]))))
