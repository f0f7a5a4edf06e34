"""`obs_latent_attn`: every size, with heads that divide them, with and without mask."""

from __future__ import annotations

from typing import Any

import torch
from hypothesis import strategies as st

from equivalence.case import Case, Setup, Source, sizes
from equivalence.mutant import Mutant, setting
from equivalence.plants import calling, reversing
from equivalence.plants_shared import attention_mutants, head_mutants

ERAS = ("E6a", "E6b", "E6c", "E7a", "E7b", "E10", "2025-08-29", "E11")
TOKENS = (Source("tokens", (0, 6), actual=(5, 6)),)


@st.composite
def _setups(draw: st.DrawFn) -> Setup:
    heads, layers = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    multiples = st.integers(1, 3).map(lambda n: n * heads)
    size, tokens, query = draw(multiples), draw(sizes(12)), draw(multiples)
    config: dict[str, Any] = {"out_dim": draw(sizes() | st.just(query)), "num_heads": heads, "num_layers": layers}
    if draw(st.booleans()):
        config |= {"query_token_dim": query, "qk_dim": draw(multiples)}
        config |= {"v_dim": query if layers > 1 else draw(multiples)}
    optional = {
        "use_mask": st.booleans(),
        "num_query_tokens": sizes(4),
        "use_cls_token": st.booleans(),
        "mlp_ratio": st.sampled_from([4.0, 1.0, 2.5, 2]),
    }
    config |= draw(st.fixed_dictionaries({}, optional=optional))
    source = Source("tokens", (0, size), actual=(tokens, size))
    return Setup(config, (source,), obs_shape=(200, 3), era=draw(st.sampled_from(ERAS)))


def _refused(**config: Any) -> Setup:
    return Setup({"out_dim": 4, **config}, TOKENS, obs_shape=(200, 3), era="E7b")


CASE = Case(
    setups=_setups(),
    refused=(
        _refused(num_query_tokens=0),
        _refused(num_heads=4),
        _refused(num_heads=2, v_dim=3),
        _refused(num_layers=2, v_dim=4),
        Setup({}, TOKENS, obs_shape=(200, 3), era="E7b"),
    ),
    host=Setup(
        {
            "out_dim": 7,
            "num_heads": 2,
            "num_layers": 2,
            "query_token_dim": 6,
            "qk_dim": 8,
            "v_dim": 6,
            "num_query_tokens": 3,
            "mlp_ratio": 2.5,
            "use_mask": True,
        },
        (Source("tokens", (0, 5), actual=(12, 5)),),
        obs_shape=(12, 3),
        era="E7b",
    ),
    mutants=(
        *attention_mutants(),
        *head_mutants(),
        Mutant("no residual around the attention", calling("add", lambda _, __, update: update, at=1)),
        Mutant("no residual around the network", calling("add", lambda _, __, update: update, at=2)),
        Mutant("the last norm left out", calling("layer_norm", lambda _, x, *__, **___: x, at=5)),
        Mutant("ReLU for GELU", calling("gelu", lambda _, x: torch.relu(x))),
        Mutant("GELU by tanh", calling("gelu", lambda right, x: right(x, approximate="tanh"))),
        Mutant("blocks in reverse", reversing("blocks")),
        Mutant("the first query alone", setting(use_cls_token=True)),
    ),
)
