"""`actor_key_single_head`: one action and many."""

from __future__ import annotations

from typing import Any

import torch
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from equivalence.case import Case, Setup, Source, sizes
from equivalence.mutant import Mutant
from equivalence.plants import instead, on_input, on_output
from equivalence.plants_shared import action_mutants


def _by_matrices(module: Any, query: Tensor, embeds: Tensor) -> Any:
    return (embeds * query.unsqueeze(1)).sum(-1) + module.bias


CASE = Case(
    setups=st.builds(
        lambda width, actions: Setup(
            {},
            (Source("actor_query", (width,)), Source("_action_embeds_", (0, width), actual=(actions, width))),
            era="2025-09-03",
        ),
        sizes(5),
        sizes(7),
    ),
    host=Setup({}, (Source("actor_query", (5,)), Source("_action_embeds_", (0, 5), actual=(4, 5))), era="2025-09-03"),
    mutants=(
        *action_mutants(),
        Mutant("scaled as attention is", on_output(lambda y: y / 5**0.5)),
        Mutant("a tanh on the query", on_input(torch.tanh)),
        Mutant("queries of length 1", on_input(lambda query: F.normalize(query, dim=-1))),
        Mutant("the product as one of matrices", instead(_by_matrices)),
    ),
)
