"""`action_embedding`: tables larger than the actions, which come in two activations."""

from hypothesis import strategies as st

from equivalence.case import Case, Setup, sizes

NAMES = tuple(f"{name}_{i}" for name in ("noop", "move", "attack") for i in range(3))

CASE = Case(
    setups=st.builds(
        lambda rows, width, names: Setup(
            {"nn_params": {"num_embeddings": rows, "embedding_dim": width}}, actions=tuple(names)
        ),
        st.integers(len(NAMES) + 1, 20),
        sizes(5),
        st.lists(st.sampled_from(NAMES), min_size=1, unique=True),
    )
)
