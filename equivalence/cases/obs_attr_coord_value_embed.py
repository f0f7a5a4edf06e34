"""`obs_attr_coord_value_embed`: sizes of the vectors."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from equivalence.case import Case, Setup, Source, sizes
from equivalence.mutant import Mutant
from equivalence.plants import calling, exchanging, instead
from equivalence.plants_shared import embedding_mutants, token_mutants


def _from_the_right(m: Any, x: Tensor) -> Tensor:
    tables = (m.cell_embedding, m.feature_embedding, m.value_embedding)
    cell, feature, value = (F.embedding(x[..., i].long(), table) for i, table in enumerate(tables))
    return feature + (cell + value)


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
        Mutant("the table of values for features", exchanging("value_embedding", "feature_embedding")),
        Mutant("values up to 100", calling("clamp", lambda right, x, low, _: right(x, low, 100))),
        Mutant("added from the right", instead(_from_the_right)),
    ),
)
