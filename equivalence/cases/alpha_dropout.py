"""`alpha_dropout`: any shape and probability."""

from torch.nn import functional as F

from equivalence.case import Case, Setup, Source, any_shape, dropouts
from equivalence.mutant import Mutant
from equivalence.plants import instead
from equivalence.plants_shared import dropout_mutants

CASE = Case(
    setups=dropouts(any_shape()),
    refused=(Setup({"nn_params": {"p": 2}}, (Source("x", (2,)),)),),
    host=Setup({"nn_params": {"p": 0.3}}, (Source("hidden", (5, 3)),)),
    mutants=(
        *dropout_mutants(),
        Mutant("plain dropout", instead(lambda m, x: F.dropout(x, m.p, m.training))),
        Mutant("whole features", instead(lambda m, x: F.feature_alpha_dropout(x, m.p, m.training))),
    ),
)
