"""`adaptive_max_pool1d`: sequences, shorter and longer than the number of channels."""

from dataclasses import replace

from torch import nn
from torch.nn import functional as F

from equivalence.case import Setup, Source
from equivalence.mutant import Mutant, setting
from equivalence.plants import instead, on_input, on_output
from equivalence.pool_cases import pools

CASE = replace(
    pools(nn.AdaptiveMaxPool1d, 1),
    host=Setup({}, (Source("hidden", (4, 4), actual=(4, 7)),)),
    mutants=(
        Mutant("the mean for the maximum", instead(lambda m, x: F.adaptive_avg_pool1d(x, m.output_size))),
        Mutant("a window less", setting(output_size=3)),
        Mutant("a window more", setting(output_size=5)),
        Mutant("windows in reverse", on_output(lambda y: y.flip(-1))),
        Mutant("the last value left out", on_input(lambda x: x[..., :-1])),
    ),
)
