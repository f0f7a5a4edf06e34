"""`res_net_mlp`: one to three blocks, on vectors, and on rows of vectors as many as they are wide."""

from __future__ import annotations

from typing import Any

import torch
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from equivalence.case import Case, Setup, Source, in_eras, sizes
from equivalence.mutant import Mutant, setting
from equivalence.plants import calling, overriding, reversing, with_tensors, within

ERAS = ("2025-07-05", "E7b", "E8", "E10", "E11")


def _negated(name: str, tensor: Tensor) -> Tensor:
    return -tensor if name == "layers.5.beta" else tensor


def _swish_first(_: Any, layer: Any, x: Tensor) -> Tensor:
    y = F.linear(x, layer.weight, layer.bias)
    return F.layer_norm(y * torch.sigmoid(layer.beta * y), (7,), layer.norm_weight, layer.norm_bias)


CASE = Case(
    setups=in_eras(
        st.builds(
            lambda size, ndim, blocks: Setup({"depth": 4 * blocks}, (Source("hidden", (size,) * ndim),)),
            sizes(),
            st.integers(1, 2),
            st.integers(1, 3),
        ),
        ERAS,
    ),
    refused=tuple(Setup({"depth": 6}, (Source("hidden", (2,)),), era=era) for era in ERAS),
    host=Setup({"depth": 8}, (Source("hidden", (7,)),), era="E7b"),
    mutants=(
        Mutant("no residual", calling("add", lambda _, __, y: y, at=0)),
        Mutant("one residual around all", calling("add", lambda _, __, y: y, at=1)),
        Mutant("a swish without beta", calling("mul", lambda _, beta, x: x * 1.0 if beta.dim() == 0 else beta * x)),
        Mutant("beta of the next layer", with_tensors(_negated)),
        Mutant("the swish before the norm", within("layers.0", overriding("forward", _swish_first))),
        Mutant("no norm", calling("layer_norm", lambda _, x, *__, **___: x, at=3)),
        Mutant("layers in reverse", reversing("layers")),
        Mutant("half the depth", setting(depth=4)),
    ),
)
