"""`obs_token_rope`: widths that 4 divides, bases, lists of tokens and divisors of any length."""

from __future__ import annotations

from typing import Any

import torch
from hypothesis import strategies as st
from torch import Tensor

from equivalence.case import Case, Setup, sizes
from equivalence.mutant import Mutant
from equivalence.plants import calling, on_tensor, overriding
from equivalence.plants_shared import divisor_mutants, token_mutants

OPTIONS = st.fixed_dictionaries(
    {"atr_embed_dim": sizes(5).map(lambda n: 4 * n)}, optional={"rope_base": st.sampled_from([10000.0, 10000, 7.5])}
)


def _interleaved(_: Any, m: Any, embedded: Tensor, coordinate: Tensor) -> Tensor:
    angle = (coordinate.float().unsqueeze(-1) * m.frequencies).repeat_interleave(2, dim=-1)
    turned = torch.stack([-embedded[..., 1::2], embedded[..., ::2]], dim=-1).flatten(-2)
    return embedded * torch.cos(angle) + turned * torch.sin(angle)


CASE = Case(
    setups=st.builds(
        lambda options, m, later: Setup(options, obs_shape=(m, 3), era=later[0], features=later[1]),
        OPTIONS,
        sizes(),
        st.one_of(
            st.tuples(st.just("E5d"), st.integers(1, 24).map(lambda n: tuple(range(n)))),
            st.tuples(st.just("E5e"), st.lists(st.integers(0, 255), min_size=1, unique=True).map(tuple)),
        ),
    ),
    refused=(
        Setup({"atr_embed_dim": 6}, obs_shape=(5, 3), era="E5e"),
        Setup({"atr_embed_dim": 4}, obs_shape=(5, 3), era="E5e", features=(0, 256)),
    ),
    host=Setup({"atr_embed_dim": 8, "rope_base": 100.0}, obs_shape=(12, 3), era="E5e", features=(3, 0, 5, 8, 11, 2)),
    mutants=(
        *token_mutants(),
        *divisor_mutants(),
        Mutant("the base of the default", on_tensor("frequencies", lambda f: f * f)),
        Mutant("turned the other way", calling("sin", lambda right, x: -right(x))),
        Mutant("pairs side by side", overriding("_rotated", _interleaved)),
        Mutant("coordinates from 1 on", overriding("_rotated", lambda right, _, e, c: right(e, c + 1))),
        Mutant(
            "one half for both coordinates", calling("chunk", lambda right, x, *a, **o: right(x, *a, **o)[::-1], at=0)
        ),
    ),
)
