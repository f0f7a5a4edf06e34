"""`puffer_actor`: one action and many; the two sizes need not agree."""

from hypothesis import strategies as st

from equivalence.case import Case, Setup, Source, in_eras, sizes

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
    )
)
