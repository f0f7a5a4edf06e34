"""`avg_pool1d`: sequences, with the options of `nn.AvgPool1d`."""

from torch import nn

from equivalence.pool_cases import AVERAGE, pools

CASE = pools(nn.AvgPool1d, 1, AVERAGE)
