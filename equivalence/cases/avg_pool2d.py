"""`avg_pool2d`: images, with the options of `nn.AvgPool2d`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from equivalence.case import Setup, Source
from equivalence.mutant import Mutant, setting
from equivalence.plants import instead, on_input
from equivalence.plants_shared import window_mutants
from equivalence.pool_cases import AVERAGE, OVERRIDE, pools


def _maximum(m: Any, x: Tensor) -> Tensor:
    return F.max_pool2d(x, m.kernel_size, m.stride, m.padding, 1, ceil_mode=m.ceil_mode)


CASE = replace(
    pools(nn.AvgPool2d, 2, AVERAGE | OVERRIDE),
    host=Setup(
        {
            "nn_params": {
                "stride": 2,
                "padding": 1,
                "ceil_mode": True,
                "count_include_pad": False,
                "divisor_override": 5,
            }
        },
        (Source("hidden", (3, 4, 5), actual=(3, 6, 8)),),
    ),
    mutants=(
        *window_mutants(),
        Mutant("padding counts", setting(count_include_pad=True), level="attributes"),  # its divisor hides it
        Mutant("the window as divisor", setting(divisor_override=None)),
        Mutant("the maximum for the mean", instead(_maximum)),
        Mutant("zeros around", on_input(lambda x: F.pad(x, (1, 1)))),
    ),
)
