"""`layer_norm`: vectors, with the options of `nn.LayerNorm`."""

from __future__ import annotations

from typing import Any

import torch
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from equivalence.case import SINCE_E4, Case, Setup, Source, in_eras, vector
from equivalence.mutant import Mutant, setting
from equivalence.plants import instead, with_tensors


def _normed(module: Any, x: Tensor, deviation: Tensor) -> Any:
    return (x - x.mean(-1, keepdim=True)) / deviation * module.weight + module.bias


CASE = Case(
    setups=in_eras(
        st.builds(
            lambda source, params: Setup({"nn_params": params} if params else {}, source),
            vector(),
            st.fixed_dictionaries(
                {},
                optional={
                    "eps": st.sampled_from([1e-5, 1e-3]),
                    "elementwise_affine": st.booleans(),
                    "bias": st.booleans(),
                },
            ),
        ),
        SINCE_E4,
    ),
    host=Setup({"nn_params": {"eps": 1e-3}}, (Source("hidden", (7,)),)),
    mutants=(
        Mutant("another epsilon", setting(eps=1e-5)),
        Mutant("no learned scale", with_tensors(lambda name, t: torch.ones_like(t) if name == "weight" else t)),
        Mutant("no learned shift", with_tensors(lambda name, t: torch.zeros_like(t) if name == "bias" else t)),
        Mutant("the unbiased variance", instead(lambda m, x: _normed(m, x, (x.var(-1, keepdim=True) + m.eps).sqrt()))),
        Mutant(
            "epsilon behind the root",
            instead(lambda m, x: _normed(m, x, x.std(-1, keepdim=True, correction=0) + m.eps)),
        ),
        Mutant("the mean stays", instead(lambda m, x: F.rms_norm(x, (7,), m.weight, m.eps) + m.bias)),
        Mutant(
            "over the batch",
            instead(lambda m, x: F.layer_norm(x.T, (x.shape[0],), None, None, m.eps).T * m.weight + m.bias),
        ),
    ),
)
