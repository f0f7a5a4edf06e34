"""`expand`: a new dimension at any place; the shape given by another source is refused (trap 29)."""

import torch
from hypothesis import strategies as st
from torch import Tensor

from equivalence.case import SINCE_E4, Case, Setup, Source, any_shape, in_eras, sizes
from equivalence.mutant import Mutant, setting
from equivalence.plants import calling, on_output


@st.composite
def _setups(draw: st.DrawFn) -> Setup:
    sources = draw(any_shape())
    dim = draw(st.integers(1, len(sources[0].shape) + 1))
    unread = draw(
        st.fixed_dictionaries({}, optional={"dims_source": st.none(), "source_dim": st.sampled_from([None, 1])})
    )
    return Setup({"expand_dim": dim, "expand_value": draw(sizes(5)), **unread}, sources)


def _cut_off(y: Tensor) -> Tensor:
    return torch.cat([y[:, :, :1], y[:, :, 1:].detach()], dim=2)


A = (Source("a", (2, 3)),)


CASE = Case(
    setups=in_eras(_setups(), SINCE_E4),
    refused=(
        Setup({"expand_dim": 0, "expand_value": 2}, A),
        Setup({"expand_value": 2}, A),
        Setup({"expand_dim": 1, "dims_source": "b", "source_dim": 1}, A),
    ),
    host=Setup({"expand_dim": 2, "expand_value": 3}, (Source("hidden", (4, 5)),)),
    mutants=(
        Mutant("the dimension behind", setting(dim=3)),
        Mutant("a copy more", setting(copies=4)),
        Mutant("a view", calling("contiguous", lambda _, x: x)),
        Mutant("only the first copy", on_output(lambda y: torch.cat([y[:, :, :1], 0 * y[:, :, 1:]], dim=2))),
        Mutant("gradients of one copy", on_output(_cut_off), level="gradients", gradient=True),
    ),
)
