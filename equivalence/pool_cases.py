"""Setups of the pooling layers, whose announced shape is that of their input (trap 28)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from hypothesis import strategies as st
from torch import nn

from equivalence.case import EVER, Case, Setup, Source, in_eras, sizes

TOO_SMALL = "utput size"
"""Part of what torch says of an input that is smaller than the window."""
Options = dict[str, st.SearchStrategy[Any]]

WINDOW: Options = {"stride": st.integers(1, 3), "ceil_mode": st.booleans()}
MAX: Options = {**WINDOW, "dilation": st.integers(1, 2)}
AVERAGE: Options = {**WINDOW, "count_include_pad": st.booleans()}
OVERRIDE: Options = {"divisor_override": st.sampled_from([None, 1, 5])}


@st.composite
def _setups(draw: st.DrawFn, pool: Callable[..., nn.Module], ndim: int, options: Options) -> Setup:
    """A pool behind an input of `ndim` dimensions besides the channels.

    Its source announces what the pool gives for the actual input, since the pool announces what its source does;
    where it gives nothing, the two are the same.
    """
    channels = draw(sizes(4))
    actual = (channels, *draw(st.tuples(*[sizes(9)] * ndim)))
    params = draw(st.fixed_dictionaries({}, optional=options))
    if "stride" in options and draw(st.booleans()):
        params["padding"] = draw(st.integers(0, channels // 2))
    try:
        announced = tuple(pool(channels, **params)(torch.empty(1, *actual, device="meta")).shape[1:])
    except RuntimeError:
        announced = actual
    return Setup({"nn_params": params} if params else {}, (Source("hidden", announced, actual=actual),))


def pools(pool: Callable[..., nn.Module], ndim: int, options: Options | None = None) -> Case:
    """The case of a pool of torch's class `pool`."""
    refused = Setup({"nn_params": {"kernel_size": 2, "output_size": 2}}, (Source("hidden", (2, 4, 4)[: ndim + 1]),))
    return Case(in_eras(_setups(pool, ndim, options or {}), EVER), refused=(refused,), errors=(TOO_SMALL,))
