"""`adaptive_avg_pool2d`: images, shorter and longer than the number of channels."""

from dataclasses import replace

from torch import nn
from torch.nn import functional as F

from equivalence.case import Setup, Source
from equivalence.mutant import Mutant, setting
from equivalence.plants import instead, on_input, on_output
from equivalence.pool_cases import pools

CASE = replace(
    pools(nn.AdaptiveAvgPool2d, 2),
    host=Setup({}, (Source("hidden", (4, 4, 4), actual=(4, 5, 7)),)),
    mutants=(
        Mutant("the maximum for the mean", instead(lambda m, x: F.adaptive_max_pool2d(x, m.output_size))),
        Mutant("a window less", setting(output_size=3)),
        Mutant("a window more", setting(output_size=5)),
        Mutant("windows in reverse", on_output(lambda y: y.flip(-1))),
        Mutant("the last value left out", on_input(lambda x: x[..., :-1])),
        Mutant("height and width exchanged", on_output(lambda y: y.transpose(2, 3))),
        Mutant("only rows are pooled", setting(output_size=(4, None))),
    ),
)
