"""`linear`: sizes, bias, every initialisation and nonlinearity."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from torch import Tensor

from equivalence.case import BIAS, SINCE_E4, Case, Setup, Source, early_weights, in_eras, sizes, vector, weight_options
from equivalence.mutant import Mutant
from equivalence.plants import instead, on_input, with_tensors
from equivalence.plants_shared import WEIGHT, weight_mutants

LATE = st.builds(
    lambda source, params, options, clip_range: Setup({"nn_params": params, **options}, source, clip_range=clip_range),
    vector(),
    st.fixed_dictionaries({"out_features": sizes()}, optional={"bias": st.booleans()}),
    weight_options(),
    st.sampled_from([0, 1.0]),
)


def _without_matrix(m: Any, x: Tensor) -> Any:
    return m._activate((x.unsqueeze(1) * m.weight).sum(-1) + m.bias)


CASE = Case(
    setups=st.one_of(in_eras(LATE, SINCE_E4), early_weights(vector(), BIAS)),
    refused=(
        Setup({"nn_params": {"out_features": 3}}, (Source("image", (2, 3, 3)),)),
        Setup({"nn_params": {"out_features": 3}, "nonlinearity": "ReLU"}, (Source("hidden", (2,)),)),
        Setup({"nn_params": {"out_features": 3}, "nonlinearity": "nn.NoSuchThing"}, (Source("hidden", (2,)),)),
        Setup({"nn_params": {"out_features": 3}, "initialization": "zeros"}, (Source("hidden", (2,)),)),
        Setup({"nn_params": {}}, (Source("hidden", (2,)),)),
    ),
    host=Setup({**WEIGHT, "nn_params": {"out_features": 6}}, (Source("hidden", (7,)),), clip_range=1.0),
    mutants=(
        *weight_mutants(),
        Mutant("features in reverse", on_input(lambda x: x.flip(-1))),
        Mutant("the weight read along its other side", with_tensors(lambda _, w: w.reshape(w.shape[::-1]).T)),
        Mutant(
            "products summed up without a matrix",
            instead(_without_matrix),
        ),
        Mutant("the weight scaled", with_tensors(lambda name, w: w / 7**0.5 if name == "weight" else w)),
    ),
)
