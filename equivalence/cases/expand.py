"""`expand`: a new dimension at any place; the shape given by another source is refused (trap 29)."""

from hypothesis import strategies as st

from equivalence.case import SINCE_E4, Case, Setup, Source, any_shape, in_eras, sizes


@st.composite
def _setups(draw: st.DrawFn) -> Setup:
    sources = draw(any_shape())
    dim = draw(st.integers(1, len(sources[0].shape) + 1))
    unread = draw(
        st.fixed_dictionaries({}, optional={"dims_source": st.none(), "source_dim": st.sampled_from([None, 1])})
    )
    return Setup({"expand_dim": dim, "expand_value": draw(sizes(5)), **unread}, sources)


A = (Source("a", (2, 3)),)
CASE = Case(
    setups=in_eras(_setups(), SINCE_E4),
    refused=(
        Setup({"expand_dim": 0, "expand_value": 2}, A),
        Setup({"expand_value": 2}, A),
        Setup({"expand_dim": 1, "dims_source": "b", "source_dim": 1}, A),
    ),
)
