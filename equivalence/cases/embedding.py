"""`embedding`: indices of any shape."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from equivalence.case import SINCE_E4, Case, Setup, Source, in_eras, sizes
from equivalence.mutant import Mutant
from equivalence.plants import instead, on_input, on_output


def _by_frequency(module: Any, x: Tensor) -> Tensor:
    return F.embedding(x, module.weight, scale_grad_by_freq=True)


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
    ),
    host=Setup({"nn_params": {"num_embeddings": 9, "embedding_dim": 5}}, (Source("indices", (4,), below=9),)),
    mutants=(
        Mutant("rows one on", on_input(lambda x: (x + 1) % 9)),
        Mutant("rows from the end", on_input(lambda x: 8 - x)),
        Mutant("scaled as transformers do", on_output(lambda y: y * 5**0.5)),
        Mutant("row 0 is padding", instead(lambda m, x: F.embedding(x, m.weight, 0)), level="gradients", gradient=True),
        Mutant("gradients by frequency", instead(_by_frequency), level="gradients", gradient=True),
    ),
)
