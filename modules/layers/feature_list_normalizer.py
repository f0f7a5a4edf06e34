"""`FeatureListNormalizerModule`: each feature normalised by its running mean and variance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from modules.base import BuildContext, MettaModule, only_source, positive

# N rows, F features, H height, W width


class FeatureListNormalizerModule(MettaModule):
    """`[N, F, H, W]` of any dtype -> the same shape in float32, clipped; what the old `FeatureListNormalizer` meant.

    In training, mean and variance over all cells of all rows so far are brought up to date first, without gradient.

    Args:
        num_features: F.
        eps: added to the variance.
        clip: largest absolute value of the result.

    Raises:
        ConfigError: a size that is not positive.
    """

    io_sizes = ("num_features", "num_features")
    running_mean: Tensor
    running_var: Tensor
    count: Tensor

    def __init__(
        self,
        num_features: int,
        *,
        eps: float = 1e-5,
        clip: float = 5.0,
        in_keys: Sequence[str] = ("input",),
        out_keys: Sequence[str] = ("output",),
    ) -> None:
        positive(num_features=num_features)
        super().__init__(in_keys, out_keys)
        self.num_features, self.eps, self.clip = num_features, eps, clip
        self.register_buffer("running_mean", torch.zeros(num_features, dtype=torch.float64))
        self.register_buffer("running_var", torch.ones(num_features, dtype=torch.float64))
        self.register_buffer("count", torch.zeros(num_features, dtype=torch.float64))

    def compute(self, x: Tensor) -> Tensor:
        """`x` `[N, F, H, W]` -> the same shape, float32."""
        if self.training:
            self._update(x)
        shape = (1, -1, 1, 1)
        deviation = torch.sqrt(self.running_var + self.eps).float().view(shape)
        return ((x.float() - self.running_mean.float().view(shape)) / deviation).clamp(-self.clip, self.clip)

    @torch.no_grad()
    def _update(self, x: Tensor) -> None:
        values = x.double().transpose(0, 1).flatten(1)
        number, mean, var = values.shape[1], values.mean(1), values.var(1, unbiased=False)
        total, delta = self.count + number, mean - self.running_mean
        squares = self.running_var * self.count + var * number + delta.square() * self.count * number / total
        self.running_mean += delta * number / total
        self.running_var.copy_(squares / total)
        self.count.copy_(total)

    @classmethod
    def from_context(cls, context: BuildContext) -> dict[str, Any]:
        """F, off an image."""
        return {"num_features": only_source(context, ndim=3)[0]}
