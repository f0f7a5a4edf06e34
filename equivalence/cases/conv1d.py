"""`conv1d`: sequences that are long enough, with and without padding."""

from typing import Any

from hypothesis import strategies as st

from equivalence.case import Case, Setup, Source, early_weights, shapes_of
from equivalence.mutant import Mutant, setting
from equivalence.plants import on_input
from equivalence.plants_shared import EARLY_WEIGHT as WEIGHT
from equivalence.plants_shared import weight_mutants

PARAMS: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {"kernel_size": st.just(1)},
    optional={"stride": st.integers(1, 3), "padding": st.integers(0, 2), "bias": st.booleans()},
)


CASE = Case(
    setups=early_weights(shapes_of(2), PARAMS),
    host=Setup(
        {**WEIGHT, "output_size": 3, "nn_params": {"kernel_size": 1, "stride": 2, "padding": 1}},
        (Source("hidden", (4, 6)),),
        era="E3",
        clip_range=1.0,
    ),
    mutants=(
        *weight_mutants(rank=3),
        Mutant("each step", setting(stride=1)),
        Mutant("no padding", setting(padding=0)),
        Mutant("channels in reverse", on_input(lambda x: x.flip(1))),
        Mutant("the sequence in reverse", on_input(lambda x: x.flip(2))),
    ),
)
