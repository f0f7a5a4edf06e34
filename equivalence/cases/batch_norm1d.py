"""`batch_norm1d`: vectors and sequences, with the options of `nn.BatchNorm1d`; a single row cannot be trained on."""

from hypothesis import strategies as st

from equivalence.case import ONE_ROW, Case, Setup, Source, batch_norms, shapes_of
from equivalence.mutant import Mutant, setting
from equivalence.plants import within
from equivalence.plants_shared import batch_norm_mutants

CASE = Case(
    setups=batch_norms(st.one_of(shapes_of(1), shapes_of(2))),
    errors=(ONE_ROW,),
    host=Setup({"nn_params": {"eps": 1e-3, "momentum": 0.3}}, (Source("hidden", (5, 3)),)),
    mutants=(
        *batch_norm_mutants(),
        Mutant("the momentum of the default", within("norm", setting(momentum=0.1))),
    ),
)
