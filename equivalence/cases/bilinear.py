"""`bilinear`: two vectors, sizes, bias."""

from __future__ import annotations

import torch
from hypothesis import strategies as st
from torch import Tensor

from equivalence.case import SINCE_E4, Case, Setup, Source, in_eras, sizes
from equivalence.mutant import Mutant, computing
from equivalence.plants import instead, on_inputs, on_output, with_tensors


def _misread(name: str, tensor: Tensor) -> Tensor:
    out, left, right = tensor.shape if name == "weight" else (1, 1, 1)
    return tensor.reshape(out, right, left).transpose(1, 2) if name == "weight" else tensor


CASE = Case(
    setups=in_eras(
        st.builds(
            lambda first, second, params: Setup(
                {"nn_params": params}, (Source("left", (first,)), Source("right", (second,)))
            ),
            sizes(),
            sizes(),
            st.fixed_dictionaries({"out_features": sizes()}, optional={"bias": st.booleans()}),
        ),
        SINCE_E4,
    ),
    refused=(
        Setup({"nn_params": {"out_features": 3}}, (Source("left", (2,)),)),
        Setup({"nn_params": {}}, (Source("left", (2,)), Source("right", (2,)))),
    ),
    host=Setup({"nn_params": {"out_features": 6}}, (Source("left", (4,)), Source("right", (5,)))),
    mutants=(
        Mutant("inputs exchanged", on_inputs(lambda a, b: (b, a))),
        Mutant("the weight read along its other side", with_tensors(_misread)),
        Mutant("as an einsum", instead(lambda m, a, b: torch.einsum("ni,oij,nj->no", a, m.weight, b) + m.bias)),
        Mutant("the bias twice", computing(lambda right, m, a, b: right(a, b) + m.bias)),
        Mutant("outputs in reverse", on_output(lambda y: y.flip(-1))),
    ),
)
