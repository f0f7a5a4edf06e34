"""`adaptive_avg_pool1d`: sequences, shorter and longer than the number of channels."""

from torch import nn

from equivalence.pool_cases import pools

CASE = pools(nn.AdaptiveAvgPool1d, 1)
