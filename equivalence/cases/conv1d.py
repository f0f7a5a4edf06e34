"""`conv1d`: sequences that are long enough, with and without padding."""

from typing import Any

from hypothesis import strategies as st

from equivalence.case import Case, early_weights, shapes_of

PARAMS: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {"kernel_size": st.just(1)},
    optional={"stride": st.integers(1, 3), "padding": st.integers(0, 2), "bias": st.booleans()},
)

CASE = Case(setups=early_weights(shapes_of(2), PARAMS))
