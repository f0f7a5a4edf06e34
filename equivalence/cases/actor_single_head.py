"""`actor_single_head`: one action and many."""

from hypothesis import strategies as st

from equivalence.case import SINCE_E4, Case, Setup, Source, in_eras, sizes
from equivalence.plants_shared import actor_mutants

CASE = Case(
    setups=in_eras(
        st.builds(
            lambda hidden, width, actions: Setup(
                {}, (Source("actor_1", (hidden,)), Source("_action_embeds_", (0, width), actual=(actions, width)))
            ),
            sizes(),
            sizes(5),
            sizes(7),
        ),
        SINCE_E4[:-1],
    ),
    host=Setup({}, (Source("actor_1", (7,)), Source("_action_embeds_", (0, 5), actual=(4, 5)))),
    mutants=actor_mutants(),
)
