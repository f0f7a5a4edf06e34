"""`batch_norm2d`: images, with the options of `nn.BatchNorm2d`."""

from __future__ import annotations

from equivalence.case import ONE_ROW, Case, Setup, Source, batch_norms, image
from equivalence.mutant import Mutant, setting
from equivalence.plants import within
from equivalence.plants_shared import batch_norm_mutants

CASE = Case(
    setups=batch_norms(image()),
    errors=(ONE_ROW,),
    host=Setup({"nn_params": {"eps": 1e-3, "momentum": 0.3}}, (Source("hidden", (4, 3, 5)),)),
    mutants=(
        *batch_norm_mutants(),
        Mutant("the momentum of the default", within("norm", setting(momentum=0.1))),
    ),
)
