"""`avg_pool1d`: sequences, with the options of `nn.AvgPool1d`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from equivalence.case import Setup, Source
from equivalence.mutant import Mutant, setting
from equivalence.plants import instead, on_input
from equivalence.plants_shared import window_mutants
from equivalence.pool_cases import AVERAGE, pools


def _maximum(m: Any, x: Tensor) -> Tensor:
    return F.max_pool1d(x, m.kernel_size, m.stride, m.padding, 1, ceil_mode=m.ceil_mode)


CASE = replace(
    pools(nn.AvgPool1d, 1, AVERAGE),
    host=Setup(
        {"nn_params": {"stride": 3, "padding": 1, "ceil_mode": True, "count_include_pad": False}},
        (Source("hidden", (4, 4), actual=(4, 9)),),
    ),
    mutants=(
        *window_mutants(),
        Mutant("padding counts", setting(count_include_pad=True)),
        Mutant("the maximum for the mean", instead(_maximum)),
        Mutant("zeros around", on_input(lambda x: F.pad(x, (1, 1)))),
    ),
)
