"""`avg_pool2d`: images, with the options of `nn.AvgPool2d`."""

from torch import nn

from equivalence.pool_cases import AVERAGE, OVERRIDE, pools

CASE = pools(nn.AvgPool2d, 2, AVERAGE | OVERRIDE)
