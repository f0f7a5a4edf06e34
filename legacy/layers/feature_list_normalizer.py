"""`FeatureListNormalizer`: running statistics of each feature, which never worked (E1 to 2025-06-04)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from legacy.base import Blackboard, LayerBase


class RunningMeanStdInPlace(nn.Module):
    """Normalises in place, with statistics in float64 that every pass in training moves."""

    running_mean: Tensor
    running_var: Tensor
    count: Tensor

    def __init__(self, shape: tuple[int, ...] = (1,), epsilon: float = 1e-5, clip: float = 5.0) -> None:
        super().__init__()
        self.epsilon, self.clip = epsilon, clip
        self.register_buffer("running_mean", torch.zeros(shape, dtype=torch.float64))
        self.register_buffer("running_var", torch.ones(shape, dtype=torch.float64))
        self.register_buffer("count", torch.ones(1, dtype=torch.float64))

    def forward(self, x: Tensor) -> None:
        """Overwrites `x`, a tensor of floats."""
        if self.training:
            number, mean, var = x.numel(), x.double().mean(), x.double().var(unbiased=False)
            total, delta = self.count + number, mean - self.running_mean
            moments = self.running_var * self.count + var * number + delta**2 * self.count * number / total
            self.running_mean = self.running_mean + delta * number / total
            self.running_var, self.count = moments / total, total
        deviation = torch.sqrt(self.running_var + self.epsilon)
        x.sub_(self.running_mean.float()).div_(deviation.float()).clamp_(-self.clip, self.clip)


class FeatureListNormalizer(LayerBase):
    """`[B, F, H, W]` -> the same shape, channel `i` by the normaliser of the agent's feature `i`; until E4c.

    Quirk kept: it gives its base class no name, which that wants.

    Raises:
        TypeError: always.
    """

    def __init__(self, metta_agent: Any, **cfg: Any) -> None:
        raise TypeError("LayerBase.__init__() missing 1 required positional argument: 'name'")


class FeatureListNormalizerE4d(LayerBase):
    """From E4d, whose `LayerBase` makes do without a name.

    Quirks kept: no agent passes `metta_agent`, so it is a TypeError in all of them; made by hand, it has neither name
    nor sources, so a pass is a TypeError; and what `forward` gives back is a tensor instead of the blackboard.
    """

    def __init__(self, metta_agent: Any, **cfg: Any) -> None:
        super().__init__()
        self.__dict__["_metta_agent"] = metta_agent
        self._norms_dict = nn.ModuleDict({name: RunningMeanStdInPlace() for name in metta_agent.grid_features})

    @torch.no_grad()
    def forward(self, td: Blackboard) -> Any:
        """The tensor `td[name]`, made where it is not there."""
        name: Any = self._name
        if name in td:
            return td[name]
        channels = [channel.float() for channel in td[self._sources[0]["name"]].unbind(1)]
        for channel, normalize in zip(channels, self._norms_dict.values(), strict=True):
            normalize(channel)
        td[name] = torch.stack(channels, dim=1)
        return td[name]
