"""`adaptive_avg_pool2d`: images, shorter and longer than the number of channels."""

from torch import nn

from equivalence.pool_cases import pools

CASE = pools(nn.AdaptiveAvgPool2d, 2)
