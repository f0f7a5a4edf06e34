"""`actor_key_single_head`: one action and many."""

from hypothesis import strategies as st

from equivalence.case import Case, Setup, Source, sizes

CASE = Case(
    setups=st.builds(
        lambda width, actions: Setup(
            {},
            (Source("actor_query", (width,)), Source("_action_embeds_", (0, width), actual=(actions, width))),
            era="2025-09-03",
        ),
        sizes(5),
        sizes(7),
    )
)
