"""`embedding`: indices of any shape."""

from hypothesis import strategies as st

from equivalence.case import SINCE_E4, Case, Setup, Source, in_eras, sizes

CASE = Case(
    setups=in_eras(
        st.builds(
            lambda shape, rows, width: Setup(
                {"nn_params": {"num_embeddings": rows, "embedding_dim": width}},
                (Source("indices", tuple(shape), below=rows),),
            ),
            st.lists(sizes(4), min_size=1, max_size=3),
            sizes(),
            sizes(5),
        ),
        SINCE_E4,
    )
)
