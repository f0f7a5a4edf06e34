"""`obs_attr_coord_embed`: sizes of the vectors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from hypothesis import strategies as st
from torch import Tensor

from equivalence.case import Case, Setup, Source, sizes
from equivalence.mutant import Mutant
from equivalence.plants import calling, exchanging, on_output
from equivalence.plants_shared import embedding_mutants, token_mutants


def _zeroed(right: Callable[..., Any], index: Tensor, *given: Any, **options: Any) -> Any:
    return right(index, *given, **options) * (index != 255).unsqueeze(-1)


CASE = Case(
    setups=st.builds(
        lambda tokens, size, era: Setup(
            {"attr_embed_dim": size},
            (Source("tokens", (0, 3), actual=(tokens, 3), tokens=True),),
            obs_shape=(200, 3),
            era=era,
        ),
        sizes(20),
        sizes(),
        st.sampled_from(("E6a", "E7b", "E8", "E10", "E11")),
    ),
    refused=(Setup({}, (Source("tokens", (0, 3), tokens=True),), obs_shape=(200, 3), era="E6a"),),
    host=Setup(
        {"attr_embed_dim": 5}, (Source("tokens", (0, 3), actual=(12, 3), tokens=True),), obs_shape=(12, 3), era="E7b"
    ),
    mutants=(
        *token_mutants(),
        *embedding_mutants(at=0),
        Mutant("tables exchanged", exchanging("cell_embedding", "feature_embedding")),
        Mutant("values divided", on_output(lambda y: torch.cat([y[..., :-1], y[..., -1:] / 255], dim=-1))),
        Mutant("the vector of padding is zero", calling("embedding", _zeroed, at=0)),
    ),
)
