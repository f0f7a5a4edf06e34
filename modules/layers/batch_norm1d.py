"""`BatchNorm1dModule`: each channel normalised by its mean and variance over the batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from torch import Tensor, nn

from modules.base import BuildContext, MettaModule, only_source, positive
from modules.errors import ConfigError


class BatchNorm1dModule(MettaModule):
    """`[B, C]` or `[B, C, L]` -> the same shape; in training the statistics of the batch, else the running ones.

    torch's own layer stands inside, since `nn.SyncBatchNorm.convert_sync_batchnorm` looks for it.

    Args:
        num_features: C.
        eps: added to the variance.
        momentum: weight of a batch in the running statistics; None for the average over all batches.
        affine: whether to learn scale and shift.
        track_running_stats: whether to keep running statistics; without, evaluation too uses those of the batch.

    Raises:
        ConfigError: a size that is not positive.
    """

    io_sizes = ("num_features", "num_features")

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
        self.norm = nn.BatchNorm1d(num_features, eps, momentum, affine, track_running_stats)

    def compute(self, x: Tensor) -> Tensor:
        """`[B, C]` or `[B, C, L]` -> the same shape."""
        return cast(Tensor, self.norm(x))

    @classmethod
    def from_context(cls, context: BuildContext) -> dict[str, Any]:
        """C, off a vector or a sequence.

        Raises:
            ConfigError: "needs a source with 1 or 2 dimensions ...".
        """
        shape = only_source(context)
        if len(shape) not in (1, 2):
            raise ConfigError(f"needs a source with 1 or 2 dimensions besides the batch, got shape {shape}")
        return {"num_features": shape[0]}
