"""`relu`: any shape."""

import torch
from torch.nn import functional as F

from equivalence.case import SINCE_E4, Case, Setup, Source, any_shape, in_eras
from equivalence.plants_shared import wrong_function

CASE = Case(
    setups=in_eras(any_shape().map(lambda source: Setup({}, source)), SINCE_E4),
    host=Setup({}, (Source("hidden", (3, 4)),)),
    mutants=(
        wrong_function("no activation", lambda x: x),
        wrong_function("GELU", F.gelu),
        wrong_function("leaky", F.leaky_relu),
        wrong_function("tanh", torch.tanh),
        wrong_function("softplus", F.softplus),
        wrong_function("the absolute value", torch.abs),
    ),
)
