"""`action_type`: the environment's size, every initialisation and nonlinearity."""

from equivalence.case import BIAS, Case, Setup, Source, early_weights, vector
from equivalence.mutant import Mutant
from equivalence.plants import on_output
from equivalence.plants_shared import EARLY_WEIGHT as WEIGHT
from equivalence.plants_shared import weight_mutants

CASE = Case(
    setups=early_weights(vector(), BIAS, sized=False),
    host=Setup(WEIGHT, (Source("hidden", (7,)),), era="E3", clip_range=1.0),
    mutants=(
        *weight_mutants(),
        Mutant("log-probabilities for logits", on_output(lambda y: y.log_softmax(-1))),
        Mutant("logits from the largest one on", on_output(lambda y: y - y.amax(-1, keepdim=True))),
    ),
)
