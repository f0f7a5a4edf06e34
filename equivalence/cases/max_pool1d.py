"""`max_pool1d`: sequences, with the options of `nn.MaxPool1d`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from equivalence.case import Setup, Source
from equivalence.mutant import Mutant, computing, setting
from equivalence.plants import instead
from equivalence.plants_shared import window_mutants
from equivalence.pool_cases import MAX, pools


def _mean(m: Any, x: Tensor) -> Tensor:
    return F.avg_pool1d(x, m.kernel_size, m.stride, m.padding, m.ceil_mode)


CASE = replace(
    pools(nn.MaxPool1d, 1, MAX),
    host=Setup(
        {"nn_params": {"stride": 3, "padding": 1, "ceil_mode": True, "dilation": 2}},
        (Source("hidden", (4, 3), actual=(4, 9)),),
    ),
    mutants=(
        *window_mutants(),
        Mutant("windows without gaps", setting(dilation=1)),
        Mutant("the mean for the maximum", instead(_mean)),
        Mutant("padding counts as zeros", computing(lambda right, _, x: right(x).clamp(min=0))),
    ),
)
