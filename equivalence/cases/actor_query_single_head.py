"""`actor_query_single_head`: one action and many, whose embeddings it does not read."""

import torch
from hypothesis import strategies as st

from equivalence.case import Case, Setup, Source, sizes
from equivalence.mutant import Mutant, computing
from equivalence.plants import calling, instead, with_tensors

CASE = Case(
    setups=st.builds(
        lambda hidden, width, actions: Setup(
            {},
            (Source("actor_1", (hidden,)), Source("_action_embeds_", (0, width), actual=(actions, width))),
            era="2025-09-03",
        ),
        sizes(),
        sizes(5),
        sizes(7),
    ),
    refused=(Setup({}, (Source("actor_1", (3,)),), era="2025-09-03"),),
    host=Setup({}, (Source("actor_1", (7,)), Source("_action_embeds_", (0, 5), actual=(4, 5))), era="2025-09-03"),
    mutants=(
        Mutant("no tanh", calling("tanh", lambda _, x: x)),
        Mutant("another nonlinearity", calling("tanh", lambda _, x: torch.relu(x))),
        Mutant("the weight read along its other side", with_tensors(lambda _, w: w.reshape(w.shape[::-1]).T)),
        Mutant("the tanh before the product", instead(lambda m, hidden, _: torch.tanh(hidden) @ m.W)),
        Mutant("the embeddings' mean added", computing(lambda right, _, hidden, e: right(hidden, e) + e.mean(1))),
    ),
)
