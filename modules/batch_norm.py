"""What the two layers of batch normalisation share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, cast

from torch import Tensor, nn

from modules.module import MettaModule
from modules.shapes import positive


class BatchNormModule(MettaModule):
    """torch's own layer, `norm_class`, as the child `norm`; layers say what they read and document its arguments.

    It stands inside, since `nn.SyncBatchNorm.convert_sync_batchnorm` looks for it.
    """

    io_sizes = ("num_features", "num_features")
    norm_class: ClassVar[type[nn.BatchNorm1d | nn.BatchNorm2d]]

    def __init__(
        self,
        num_features: int,
        *,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        in_keys: Sequence[str] = ("input",),
        out_keys: Sequence[str] = ("output",),
    ) -> None:
        positive(num_features=num_features)
        super().__init__(in_keys, out_keys)
        self.num_features = num_features
        self.norm = self.norm_class(num_features, eps, momentum, affine, track_running_stats)

    def compute(self, x: Tensor) -> Tensor:
        """`[B, num_features, ...]` -> the same shape."""
        return cast(Tensor, self.norm(x))
