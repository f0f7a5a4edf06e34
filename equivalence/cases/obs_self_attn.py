"""`obs_self_attn`: every size, with and without mask and first token."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from equivalence.case import Case, Setup, Source, sizes
from equivalence.mutant import Mutant, setting
from equivalence.plants import calling, reversing
from equivalence.plants_shared import attention_mutants, head_mutants

ERAS = ("E6a", "E6b", "E6c", "E7a", "E7b", "E8", "E9", "E10", "E11")
TOKENS = (Source("tokens", (0, 6), actual=(5, 6)),)


@st.composite
def _setups(draw: st.DrawFn) -> Setup:
    heads = draw(st.integers(1, 3))
    size, tokens = heads * draw(st.integers(1, 4)), draw(sizes(12))
    config: dict[str, Any] = {"out_dim": draw(sizes() | st.just(size)), "num_heads": heads}
    optional = {"use_mask": st.booleans(), "num_layers": st.integers(1, 3), "use_cls_token": st.booleans()}
    config |= draw(st.fixed_dictionaries({}, optional=optional))
    announced = draw(st.sampled_from([0, tokens]))
    source = Source("tokens", (announced, size), actual=(tokens, size))
    return Setup(config, (source,), obs_shape=(200, 3), era=draw(st.sampled_from(ERAS)))


CASE = Case(
    setups=_setups(),
    refused=(
        Setup({"out_dim": 4, "num_heads": 4}, TOKENS, obs_shape=(200, 3), era="E7b"),
        Setup({}, TOKENS, obs_shape=(200, 3), era="E7b"),
    ),
    host=Setup(
        {"out_dim": 7, "num_heads": 2, "num_layers": 2, "use_cls_token": True, "use_mask": True},
        (Source("tokens", (0, 6), actual=(12, 6)),),
        obs_shape=(12, 3),
        era="E7b",
    ),
    mutants=(
        *attention_mutants(),
        *head_mutants(),
        Mutant("no residual", calling("add", lambda _, __, update: update, at=1)),
        Mutant("the last norm left out", calling("layer_norm", lambda _, x, *__, **___: x, at=2)),
        Mutant("the first token is masked", calling("new_zeros", lambda right, mask, *size: ~right(mask, *size))),
        Mutant("the first token last", calling("cat", lambda right, parts, dim: right(parts[::-1], dim=dim))),
        Mutant("values are keys", lambda module: setattr(module, "to_v", module.to_k)),
        Mutant("layers in reverse", reversing("to_q")),
        Mutant("all tokens", setting(use_cls_token=False)),
    ),
)
