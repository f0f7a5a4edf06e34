"""`center_pixel`: odd and even sides."""

import torch
from hypothesis import strategies as st

from equivalence.case import SINCE_E4, Case, Setup, Source, in_eras, sizes
from equivalence.mutant import Mutant
from equivalence.plants import instead, on_output

IMAGES = st.builds(lambda c, h, w: Setup({}, (Source("image", (c, h, w)),)), sizes(4), sizes(6), sizes(6))


CASE = Case(
    setups=in_eras(IMAGES, SINCE_E4),
    host=Setup({}, (Source("image", (4, 5, 6)),)),
    mutants=(
        Mutant(
            "the cell before the middle", instead(lambda _, x: x[:, :, (x.shape[2] - 1) // 2, (x.shape[3] - 1) // 2])
        ),
        Mutant("the cell behind the middle", instead(lambda _, x: x[:, :, x.shape[2] // 2 + 1, x.shape[3] // 2])),
        Mutant("height and width exchanged", instead(lambda _, x: x[:, :, x.shape[3] // 2, x.shape[2] // 2])),
        Mutant("the first cell", instead(lambda _, x: x[:, :, 0, 0])),
        Mutant("a copy", on_output(lambda y: y.clone(memory_format=torch.contiguous_format))),
    ),
)
