"""`tanh`: any shape."""

import torch
from hypothesis import strategies as st
from torch.nn import functional as F

from equivalence.case import Case, Setup, Source, sizes
from equivalence.plants_shared import wrong_function

CASE = Case(
    setups=st.lists(sizes(4), min_size=1, max_size=3).map(
        lambda shape: Setup({}, (Source("hidden", tuple(shape)),), era="E11")
    ),
    host=Setup({}, (Source("hidden", (3, 4)),), era="E11"),
    mutants=(
        wrong_function("no activation", lambda x: x),
        wrong_function("hard tanh", F.hardtanh),
        wrong_function("softsign", F.softsign),
        wrong_function("by the sigmoid", lambda x: 2 * torch.sigmoid(2 * x) - 1),
        wrong_function("ReLU", torch.relu),
        wrong_function("twice", lambda x: x.tanh().tanh()),
    ),
)
