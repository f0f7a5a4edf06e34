"""`embedding`: indices of any shape."""

from hypothesis import strategies as st

from equivalence.case import Case, Setup, Source, sizes

CASE = Case(
    setups=st.builds(
        lambda shape, rows, width: Setup(
            {"nn_params": {"num_embeddings": rows, "embedding_dim": width}},
            (Source("indices", tuple(shape), below=rows),),
        ),
        st.lists(sizes(4), min_size=1, max_size=3),
        sizes(),
        sizes(5),
    )
)
