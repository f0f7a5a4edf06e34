"""`obs_attr_val_norm`: features with and without gaps between their numbers."""

from __future__ import annotations

from typing import Any

import torch
from hypothesis import strategies as st
from torch import Tensor

from equivalence.case import Case, Setup, Source
from equivalence.mutant import Mutant, setting
from equivalence.plants import instead, on_tensor
from equivalence.plants_shared import token_mutants

ERAS = ("E6a", "E6c", "E7b", "E8", "E9", "E10", "E11")


def _rounded(module: Any, x: Tensor) -> Tensor:
    tokens = x.clone()
    tokens[..., 2] = (x[..., 2] / module.divisors[x[..., 1].long()]).round()
    return tokens


CASE = Case(
    setups=st.builds(
        lambda tokens, features, era: Setup(
            {},
            (Source("tokens", (0, 3), actual=(tokens, 3), tokens=True),),
            obs_shape=(200, 3),
            era=era,
            features=tuple(features),
        ),
        st.integers(1, 30),
        st.lists(st.integers(0, 255), min_size=1, max_size=40, unique=True) | st.integers(1, 40).map(range),
        st.sampled_from(ERAS),
    ),
    host=Setup(
        {},
        (Source("tokens", (0, 3), actual=(12, 3), tokens=True),),
        obs_shape=(12, 3),
        era="E7b",
        features=(3, 0, 5, 8, 11, 2),
    ),
    mutants=(
        *token_mutants(),
        Mutant("divisors one feature on", on_tensor("divisors", lambda d: d.roll(1, 0))),
        Mutant("by its own number", on_tensor("divisors", lambda _: torch.arange(256.0))),
        Mutant("nothing is divided", on_tensor("divisors", torch.ones_like)),
        Mutant("quotients are not cut", setting(truncate=False)),
        Mutant("quotients are rounded", instead(_rounded)),
    ),
)
