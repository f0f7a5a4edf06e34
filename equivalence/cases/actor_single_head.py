"""`actor_single_head`: one action and many."""

from hypothesis import strategies as st

from equivalence.case import SINCE_E4, Case, Setup, Source, in_eras, sizes

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
    )
)
