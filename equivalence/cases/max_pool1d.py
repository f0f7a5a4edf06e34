"""`max_pool1d`: sequences, with the options of `nn.MaxPool1d`."""

from torch import nn

from equivalence.pool_cases import MAX, pools

CASE = pools(nn.MaxPool1d, 1, MAX)
