"""`dropout`: any shape and probability, into a new tensor or in place."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from equivalence.case import Case, Setup, Source, any_shape, dropouts
from equivalence.mutant import Mutant, computing, setting
from equivalence.plants import instead
from equivalence.plants_shared import dropout_mutants


def _one_mask(module: Any, x: Tensor) -> Tensor:
    return x * F.dropout(torch.ones_like(x[:1]), module.p, module.training)


CASE = Case(
    setups=dropouts(any_shape(), inplace=True),
    refused=(Setup({"nn_params": {"p": 1.5}}, (Source("x", (2,)),)),),
    host=Setup({"nn_params": {"p": 0.3}}, (Source("hidden", (5, 3)),)),
    mutants=(
        *dropout_mutants(),
        Mutant("the rest is not scaled", computing(lambda right, m, x: right(x) * (1 - m.p) if m.training else x)),
        Mutant("whole rows", instead(lambda m, x: F.dropout1d(x, m.p, m.training))),
        Mutant("a mask for all rows", instead(_one_mask)),
        Mutant("in place", setting(inplace=True)),
    ),
)
