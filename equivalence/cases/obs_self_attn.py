"""`obs_self_attn`: every size, with and without mask and first token."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from equivalence.case import Case, Setup, Source, sizes

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
)
