"""`actor_query_single_head`: one action and many, whose embeddings it does not read."""

from hypothesis import strategies as st

from equivalence.case import Case, Setup, Source, sizes

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
)
