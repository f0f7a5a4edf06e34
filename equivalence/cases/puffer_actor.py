"""`puffer_actor`: one action and many; the two sizes need not agree."""

import torch
from hypothesis import strategies as st

from equivalence.case import Case, Setup, Source, in_eras, sizes
from equivalence.mutant import Mutant, setting
from equivalence.plants import instead, on_output
from equivalence.plants_shared import action_mutants

CASE = Case(
    setups=in_eras(
        st.builds(
            lambda hidden, width, actions: Setup(
                {}, (Source("_core_", (hidden,)), Source("_action_embeds_", (0, width), actual=(actions, width)))
            ),
            sizes(),
            sizes(5),
            sizes(7),
        ),
        ("E4a", "2025-05-06"),
    ),
    host=Setup({}, (Source("_core_", (7,)), Source("_action_embeds_", (0, 5), actual=(4, 5))), era="E4a"),
    mutants=(
        *action_mutants(),
        Mutant("the inner product", setting(product="inner")),
        Mutant("the hidden state's mean", on_output(lambda y: y / 7)),
        Mutant("a tanh", on_output(torch.tanh)),
        Mutant("sums first", instead(lambda _, h, e: h.double().sum(1, keepdim=True).float() * e.sum(2))),
    ),
)
