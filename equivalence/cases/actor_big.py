"""`actor_big`: one action and many, one bilinear output and many."""

from hypothesis import strategies as st
from torch.nn import functional as F

from equivalence.case import SINCE_E4, Case, Setup, Source, in_eras, sizes
from equivalence.mutant import Mutant
from equivalence.plants import calling, overriding
from equivalence.plants_shared import actor_mutants

CASE = Case(
    setups=in_eras(
        st.builds(
            lambda hidden, width, actions, config: Setup(
                config, (Source("actor_1", (hidden,)), Source("_action_embeds_", (0, width), actual=(actions, width)))
            ),
            sizes(),
            sizes(5),
            sizes(7),
            st.fixed_dictionaries({}, optional={"bilinear_output_dim": sizes(), "mlp_hidden_dim": sizes(6)}),
        ),
        SINCE_E4[:-1],
    ),
    host=Setup(
        {"bilinear_output_dim": 6, "mlp_hidden_dim": 8},
        (Source("actor_1", (7,)), Source("_action_embeds_", (0, 5), actual=(4, 5))),
    ),
    mutants=(
        *actor_mutants(),
        Mutant("no ReLU on the scores", calling("relu", lambda _, x: x, at=0)),
        Mutant("no ReLU in the network", calling("relu", lambda _, x, **__: x, at=1)),
        Mutant("GELU in the network", calling("relu", lambda _, x, **__: F.gelu(x), at=1)),
        Mutant("scores in reverse", overriding("_scores", lambda right, _, *x: right(*x).flip(-1))),
    ),
)
