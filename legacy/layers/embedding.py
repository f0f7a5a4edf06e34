"""`Embedding`: rows of a learned table."""

from __future__ import annotations

import torch
from torch import nn

from legacy.base import LayerBase


class Embedding(LayerBase):
    """Integers `[B, ...]` -> `[B, ..., E]`; `nn_params` goes to `nn.Embedding`.

    Quirks kept: it announces `[0, E]` whatever its source announces; a padding row starts like all others (trap 36).
    """

    def _make_net(self) -> nn.Module:
        self._out_tensor_shape = [0, self._nn_params["embedding_dim"]]
        net = nn.Embedding(**self._nn_params)
        weight_limit = 0.1
        nn.init.orthogonal_(net.weight)
        with torch.no_grad():
            net.weight.mul_(weight_limit / torch.max(torch.abs(net.weight)))
        return net
