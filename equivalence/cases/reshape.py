"""`reshape`: dimensions in either order, and sizes for which the old class failed (trap 29)."""

from hypothesis import strategies as st

from equivalence.case import SINCE_E4, Case, Setup, Source, in_eras, sizes


@st.composite
def _setups(draw: st.DrawFn, first: int) -> Setup:
    """Two dimensions, the squeezed one from `first` on.

    The source announces a shape from which the one that comes out of the actual one follows by the right rule.
    """
    actual = draw(st.lists(sizes(4), min_size=1 + first, max_size=3))
    popped = draw(st.integers(1, len(actual)))
    squeezed = draw(st.integers(first, len(actual)).filter(lambda dim: dim != popped))
    announced = list(actual)
    if popped < squeezed < len(actual):
        if draw(st.booleans()):
            actual[squeezed] = actual[squeezed - 1]
        announced = [size for i, size in enumerate(actual) if i != popped - 1]
        announced[squeezed - 1] = actual[squeezed - 1] * actual[popped - 1]
        announced.insert(popped - 1, 1)
    source = Source("hidden", tuple(announced), actual=tuple(actual))
    return Setup({"popped_dim": popped, "squeezed_dim": squeezed}, (source,))


CASE = Case(
    setups=in_eras(_setups(0), SINCE_E4[:4]) | in_eras(_setups(1), SINCE_E4),
    refused=(Setup({"popped_dim": 3, "squeezed_dim": 1}, (Source("hidden", (2, 3)),)),),
    errors=("is invalid for input of size", "list assignment index out of range"),
)
