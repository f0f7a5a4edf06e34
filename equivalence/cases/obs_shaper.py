"""`obs_shaper`: observations of any size, not only square ones."""

import torch
from hypothesis import strategies as st

from equivalence.case import EVER, Case, Setup, in_eras, sizes
from equivalence.mutant import Mutant
from equivalence.plants import calling, on_output

BOXES = st.builds(lambda h, w, f: Setup(obs_shape=(h, w, f)), sizes(), sizes(), sizes())


CASE = Case(
    setups=in_eras(BOXES, EVER[:7]),
    host=Setup(obs_shape=(4, 5, 3)),
    mutants=(
        Mutant("height and width exchanged", calling("permute", lambda right, x, *_: right(x, 0, 3, 2, 1))),
        Mutant("channels last", calling("permute", lambda _, x, *__: x)),
        Mutant("laid out anew instead of permuted", calling("permute", lambda _, x, *__: x.reshape(-1, 3, 4, 5))),
        Mutant("divided", on_output(lambda y: y / 255)),
        Mutant("features in reverse", on_output(lambda y: torch.stack(y.unbind(1)[::-1], dim=1))),
    ),
)
