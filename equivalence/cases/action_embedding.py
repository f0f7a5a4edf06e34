"""`action_embedding`: tables larger than the actions, which come in two activations."""

from hypothesis import strategies as st

from equivalence.case import SINCE_E4, Case, Setup, in_eras, sizes

NAMES = tuple(f"{name}_{i}" for name in ("noop", "move", "attack") for i in range(3))

TABLES = st.builds(
    lambda rows, width, names: Setup(
        {"nn_params": {"num_embeddings": rows, "embedding_dim": width}}, actions=tuple(names)
    ),
    st.integers(len(NAMES) + 1, 20),
    sizes(5),
    st.lists(st.sampled_from(NAMES), min_size=1, unique=True),
)

CASE = Case(setups=in_eras(TABLES, (*SINCE_E4, "2025-08-19")))
