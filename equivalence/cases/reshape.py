"""`reshape`: dimensions in either order, and sizes for which the old class failed (trap 29)."""

from hypothesis import strategies as st

from equivalence.case import SINCE_E4, Case, Setup, Source, in_eras, sizes
from equivalence.mutant import Mutant, setting
from equivalence.plants import on_input, on_output


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
    host=Setup({"popped_dim": 1, "squeezed_dim": 2}, (Source("hidden", (1, 4, 12), actual=(3, 4, 4)),)),
    mutants=(
        Mutant("written where it should be", setting(written_to="squeezed_dim")),
        Mutant("dimensions exchanged", lambda module: module.__dict__.update(popped_dim=2, squeezed_dim=1)),
        Mutant("numbers are moved", on_input(lambda x: x.transpose(2, 3))),
        Mutant("the dimension behind is popped", setting(popped_dim=3)),
        Mutant("numbers in reverse", on_output(lambda y: y.flip(2))),
    ),
)
