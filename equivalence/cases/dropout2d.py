"""`dropout2d`: images, since torch warns of anything else."""

from torch.nn import functional as F

from equivalence.case import Case, Setup, Source, dropouts, image
from equivalence.mutant import Mutant, computing, setting
from equivalence.plants import instead
from equivalence.plants_shared import dropout_mutants

CASE = Case(
    setups=dropouts(image(), inplace=True),
    refused=(Setup({"nn_params": {"p": -0.5}}, (Source("x", (2, 1, 1)),)),),
    host=Setup({"nn_params": {"p": 0.3}}, (Source("hidden", (5, 3, 4)),)),
    mutants=(
        *dropout_mutants(),
        Mutant("the rest is not scaled", computing(lambda right, m, x: right(x) * (1 - m.p) if m.training else x)),
        Mutant("single numbers", instead(lambda m, x: F.dropout(x, m.p, m.training))),
        Mutant("channels taken for rows", computing(lambda right, _, x: right(x.transpose(1, 2)).transpose(1, 2))),
        Mutant("in place", setting(inplace=True)),
    ),
)
