"""`obs_vanilla_attn`: outputs of the source's size and of others, with and without a mask."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st
from torch import Tensor

from equivalence.case import Case, Setup, Source, shapes_of, sizes
from equivalence.mutant import Mutant
from equivalence.plants import calling
from equivalence.plants_shared import attention_mutants

OPTIONS = st.fixed_dictionaries({"out_dim": sizes(4)}, optional={"use_mask": st.booleans()})


def _ordered(parts: Sequence[Tensor], order: Sequence[int]) -> list[Tensor]:
    return [parts[i] for i in order]


CASE = Case(
    setups=st.builds(
        lambda source, options, era: Setup(options, source, era=era),
        *(shapes_of(2), OPTIONS, st.sampled_from(["E5a", "E5b", "E5c", "E5d", "E5e"])),
    ),
    refused=(
        Setup({}, (Source("tokens", (3, 4)),), era="E5e"),
        Setup({"out_dim": 4}, (Source("vector", (3,)),), era="E5e"),
    ),
    host=Setup({"out_dim": 8, "use_mask": True}, (Source("tokens", (12, 6)),), obs_shape=(12, 3), era="E5e"),
    mutants=(
        *attention_mutants(),
        Mutant(
            "query and key exchanged",
            calling("chunk", lambda right, x, *a, **o: _ordered(right(x, *a, **o), (1, 0, 2))),
        ),
        Mutant("value first", calling("chunk", lambda right, x, *a, **o: _ordered(right(x, *a, **o), (2, 1, 0)))),
        Mutant("no residual", calling("add", lambda _, __, update: update, at=1)),
        Mutant("the norm behind the attention left out", calling("layer_norm", lambda _, x, *__, **___: x, at=1)),
        Mutant("masked tokens score nothing", calling("masked_fill", lambda right, x, mask, _: right(x, mask, 0.0))),
    ),
)
