"""`max_pool2d`: images, with the options of `nn.MaxPool2d`."""

from torch import nn

from equivalence.pool_cases import MAX, pools

CASE = pools(nn.MaxPool2d, 2, MAX)
